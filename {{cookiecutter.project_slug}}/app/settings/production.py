"""Settings that are safe enough for development, but not for production."""

from collections.abc import Iterator, Sequence
from ipaddress import collapse_addresses, ip_network
from typing import TYPE_CHECKING, Any

from pydantic import IPvAnyNetwork, SecretStr

from app.settings.urls import is_local

if TYPE_CHECKING:
    from app.settings import Settings

EXAMPLE_SECRET = "change-me: any text of at least 32 characters"  # noqa: S105 - the value of .env.example, which is refused
MIN_SECRET_LENGTH = 32
MIN_DIFFERENT_CHARACTERS = 8
# Where clients come from: IPv4, IPv6, and IPv4 as a dual-stack server shows it.
INTERNETS = (ip_network("0.0.0.0/0"), ip_network("2000::/3"), ip_network("::ffff:0:0/96"))


def refuse_unsafe(settings: "Settings") -> None:
    """Raise `ValueError` with a line for each unsafe setting."""
    lines = list(errors(settings))
    if lines:
        raise ValueError("\n".join(lines))


def errors(settings: "Settings") -> Iterator[str]:
    yield from key_errors("SECRET_KEY", settings.secret_key)
    for number, key in enumerate(settings.secret_key_fallbacks, 1):
        yield from key_errors(f"Key {number} of SECRET_KEY_FALLBACKS", key)
    if settings.metrics_token:
        yield from key_errors("METRICS_TOKEN", settings.metrics_token)
    if settings.debug:
        yield "DEBUG is on; production must not show tracebacks to clients"
    if settings.cors_credentials and "*" in settings.cors_origins:
        yield "CORS_ORIGINS has * and CORS_CREDENTIALS is on; production must name the sites that may send cookies"
    if any(cover_half(settings.trusted_proxies, whole) for whole in INTERNETS):
        yield "TRUSTED_PROXIES covers half of all addresses or more; production must trust only its own proxies"
    # {% if cookiecutter.__sqlite %}
    from app.engines.sqlite import temporary_folder  # noqa: PLC0415 - only this engine's database is a file

    folder = temporary_folder(settings.database_url)
    if folder is not None:
        yield f"DATABASE_URL names a file in {folder}, which may be emptied; production must keep its data elsewhere"
    # {% endif %}


def risks(settings: "Settings") -> Iterator[str]:
    """Yield warnings about settings that production accepts."""
    if len(set(settings.secret_key.get_secret_value())) < MIN_DIFFERENT_CHARACTERS:
        yield f"SECRET_KEY has fewer than {MIN_DIFFERENT_CHARACTERS} different characters and may be guessed"
    if settings.mail_url.scheme == "console":
        yield "MAIL_URL is the console: mail is not sent, and its tokens are written to this log"
    if settings.public_url.scheme == "http" or is_local(settings.public_url.host):
        yield "PUBLIC_URL is not HTTPS or names this machine: links in mails, which hold tokens, lead there"
    if "*" in settings.trusted_hosts:
        yield "TRUSTED_HOSTS has *: requests with any Host header are served"
    if not settings.metrics_token:
        yield "METRICS_TOKEN is empty: anyone who reaches /metrics can read it"
    # {% if cookiecutter.__redis_server %}
    from app.settings import redis_urls  # noqa: PLC0415 - only some projects have a server of it

    yield from redis_urls.risks(settings)
    # {% endif %}


def key_errors(name: str, key: SecretStr) -> Iterator[str]:
    visible = "".join(key.get_secret_value().split())
    if visible == "".join(EXAMPLE_SECRET.split()):
        yield f"{name} is the one of .env.example; production needs a secret of its own"
    elif len(visible) < MIN_SECRET_LENGTH:
        yield f"{name} has {len(visible)} characters other than spaces; production needs {MIN_SECRET_LENGTH} or more"


def cover_half(networks: Sequence[IPvAnyNetwork], whole: Any) -> bool:
    """Return whether the networks together cover half of another one."""
    given = [network for network in networks if network.version == whole.version]
    within: list[Any] = [whole if whole.subnet_of(one) else one for one in given if whole.overlaps(one)]
    addresses = sum(one.num_addresses for one in collapse_addresses(within))
    return bool(addresses >= whole.num_addresses // 2)
