"""URLs of Redis, looked at before anything connects to it."""

from urllib.parse import urlsplit

from redis import Redis


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
