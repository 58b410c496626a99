"""Checks of URLs in settings; what is wrong with one is said without repeating it, since it may hold a password."""

from pkgutil import resolve_name
from urllib.parse import urlsplit

from pydantic import AfterValidator

# The schemes of URLs that say all by themselves.
HOSTLESS = {"console"}


def url_of(*schemes: str) -> AfterValidator:
    """Return a check for one of the schemes and a host."""

    def check(url: str) -> str:
        try:
            parts = urlsplit(url)
            well_formed = parts.scheme in schemes and (bool(parts.hostname) or parts.scheme in HOSTLESS)
            # Read for what it raises of a port that is none.
            well_formed = well_formed and parts.port != 0
        except ValueError:
            well_formed = False
        if not well_formed:
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and name a host")
        return url

    return AfterValidator(check)


def told_by(name: str) -> AfterValidator:
    """Return a check by a function that raises `ValueError`, named as `module:function` since it is not always there."""

    def check(url: str) -> str:
        resolve_name(name)(url)
        return url

    return AfterValidator(check)
