"""URLs of Redis, validated before anything connects to it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from redis import Redis

from app.settings.urls import is_local, names_host

if TYPE_CHECKING:
    from app.settings import Settings


def check(url: str) -> str:
    """Refuse a URL of which redis-py could make no connection, without repeating it: it may hold a password."""
    if not url.startswith(("redis://", "rediss://")) or not names_host(url):
        raise ValueError("must begin with redis:// or rediss:// and name a host")
    database = urlsplit(url).path.strip("/")
    if database and not database.isdecimal():
        raise ValueError("must end with a database number, as in redis://localhost:6379/0")
    try:
        # Made, but not opened: redis-py reads the query parameters here.
        Redis.from_url(url).connection_pool.make_connection()
    except (TypeError, ValueError):
        raise ValueError("has a query parameter that redis-py doesn't accept") from None
    return url


def risks(settings: "Settings") -> Iterator[str]:
    """Yield a line for each setting that names a remote Redis without a password."""
    for name, value in settings:
        for url in str(value).split(";"):
            parts = urlsplit(url) if url.startswith(("redis://", "rediss://")) else None
            if parts and not parts.password and not is_local(parts.hostname):
                yield f"{name.upper()} has no password: anyone who reaches that Redis can read and write its data"
