"""URLs of Redis, looked at before anything connects to it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from redis import Redis

from app.settings.urls import is_local

if TYPE_CHECKING:
    from app.settings import Settings


def check(url: str) -> None:
    """Raise `ValueError` where redis-py could make no connection of it, in words that do not repeat it."""
    database = urlsplit(url).path.strip("/")
    if database and not database.isdecimal():
        raise ValueError("must end in the number of a database, as in redis://localhost:6379/0")
    try:
        # Made, not used: the parameters of the URL are read here.
        Redis.from_url(url).connection_pool.make_connection()
    except (TypeError, ValueError):
        raise ValueError("has a parameter behind ? that redis-py does not take") from None


def risks(settings: "Settings") -> Iterator[str]:
    """Yield which settings name a Redis elsewhere that asks for no password."""
    for name, value in settings:
        for url in str(value).split(";"):
            parts = urlsplit(url) if url.startswith(("redis://", "rediss://")) else None
            if parts and not parts.password and not is_local(parts.hostname):
                yield f"{name.upper()} has no password: whoever reaches that Redis reads and writes what is in it"
