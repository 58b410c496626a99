"""What is safe enough to develop with, and not in production."""

from collections.abc import Iterator, Sequence
from ipaddress import collapse_addresses, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.settings.urls import is_local

if TYPE_CHECKING:
    from app.settings import Settings

EXAMPLE_SECRET = "change-me: any text of at least 32 characters"  # noqa: S105 - the value of .env.example, which is refused
SHORTEST_SECRET = 32
FEWEST_DIFFERENT = 8
# The addresses that clients come from: of IPv4, of IPv6, and of IPv4 where a server listens on both.
INTERNETS = (ip_network("0.0.0.0/0"), ip_network("2000::/3"), ip_network("::ffff:0:0/96"))


def refuse_unsafe(settings: "Settings") -> None:
    """Raise `ValueError` with a line for each thing that is wrong."""
    lines = list(complaints(settings))
    if lines:
        raise ValueError("\n".join(lines))


def complaints(settings: "Settings") -> Iterator[str]:
    yield from complaints_of_key("SECRET_KEY", settings.secret_key)
    for place, key in enumerate(settings.secret_key_fallbacks, 1):
        yield from complaints_of_key(f"Key {place} of SECRET_KEY_FALLBACKS", key)
    if settings.metrics_token:
        yield from complaints_of_key("METRICS_TOKEN", settings.metrics_token)
    if settings.debug:
        yield "DEBUG is on; production shows nobody the inside of an error"
    if settings.cors_credentials and "*" in settings.cors_origins:
        yield "CORS_ORIGINS has * and CORS_CREDENTIALS is on; production names the sites that act for those logged in"
    if any(cover_half(settings.trusted_proxies, whole) for whole in INTERNETS):
        yield "TRUSTED_PROXIES names half of all addresses or more; production believes those of its proxies alone"
    # {% if cookiecutter.__sqlite %}
    from app.engines.sqlite import temporary_folder  # noqa: PLC0415 - only this engine's database is a file

    folder = temporary_folder(settings.database_url)
    if folder is not None:
        yield f"DATABASE_URL names a file in {folder}, which may be emptied; production keeps its data elsewhere"
    # {% endif %}


def risks(settings: "Settings") -> Iterator[str]:
    """Yield what production starts with, and whoever runs it should know."""
    if len(set(settings.secret_key)) < FEWEST_DIFFERENT:
        yield f"SECRET_KEY has fewer than {FEWEST_DIFFERENT} different characters: it can be guessed"
    if settings.mail_url.startswith("console:"):
        yield "MAIL_URL is the console: nobody gets mail, and this log gets the tokens in it"
    public = urlsplit(settings.public_url)
    if public.scheme == "http" or is_local(public.hostname):
        yield "PUBLIC_URL is not HTTPS or names this machine: the links in mails, which hold tokens, lead there"
    if "*" in settings.trusted_hosts:
        yield "TRUSTED_HOSTS has *: any name that a request makes up is taken for this server's"
    if not settings.metrics_token:
        yield "METRICS_TOKEN is empty: whoever reaches /metrics reads it"
    # {% if cookiecutter.__redis_server %}
    from app.settings import redis_urls  # noqa: PLC0415 - only some projects have a server of it

    yield from redis_urls.risks(settings)
    # {% endif %}


def complaints_of_key(name: str, key: str) -> Iterator[str]:
    """Yield what is wrong with a key that signs, without repeating it."""
    visible = "".join(key.split())
    if visible == "".join(EXAMPLE_SECRET.split()):
        yield f"{name} is the example's; production needs one of its own"
    elif len(visible) < SHORTEST_SECRET:
        yield f"{name} has {len(visible)} characters other than spaces; production needs {SHORTEST_SECRET} or more"


def cover_half(networks: Sequence[str], whole: Any) -> bool:
    """Return whether the networks hold half of the addresses of another, all together."""
    given = [network for network in map(ip_network, networks) if network.version == whole.version]
    within: list[Any] = [whole if whole.subnet_of(one) else one for one in given if whole.overlaps(one)]
    addresses = sum(one.num_addresses for one in collapse_addresses(within))
    return bool(addresses >= whole.num_addresses // 2)
