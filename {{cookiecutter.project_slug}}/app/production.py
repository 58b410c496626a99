"""What is safe enough to develop with, and not in production."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings

EXAMPLE_SECRET = "change-me: any text of at least 32 characters"  # noqa: S105 - the value of .env.example, which is refused
SHORTEST_SECRET = 32


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
    if any(ip_network(network).prefixlen == 0 for network in settings.trusted_proxies):
        yield "TRUSTED_PROXIES names every address; production believes those of its proxies alone"
    # {% if cookiecutter.__sqlite %}
    from app.engines.sqlite import temporary_folder  # noqa: PLC0415 - only this engine's database is a file

    folder = temporary_folder(settings.database_url)
    if folder is not None:
        yield f"DATABASE_URL names a file in {folder}, which may be emptied; production keeps its data elsewhere"
    # {% endif %}


def risks(settings: "Settings") -> Iterator[str]:
    """Yield what production starts with, and whoever runs it should know."""
    if settings.mail_url.startswith("console:"):
        yield "MAIL_URL is the console: nobody gets mail, and this log gets the tokens in it"


def complaints_of_key(name: str, key: str) -> Iterator[str]:
    """Yield what is wrong with a key that signs, without repeating it."""
    if key == EXAMPLE_SECRET:
        yield f"{name} is the example's; production needs one of its own"
    elif len(key) < SHORTEST_SECRET:
        yield f"{name} has {len(key)} characters; production needs {SHORTEST_SECRET} or more"
