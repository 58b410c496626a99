"""Checks of URLs in settings; what is wrong with one is said without repeating it, since it may hold a password."""

from pkgutil import resolve_name
from urllib.parse import urlsplit

from pydantic import AfterValidator

# The schemes of URLs that say all by themselves.
HOSTLESS = {"console"}
LOCAL = {"localhost", "127.0.0.1", "::1"}


def url_of(*schemes: str, optional: bool = False, then: str = "") -> AfterValidator:
    """Return a check for one of the schemes and a host; an empty text is none, which may be allowed.

    It ends with the function `then`, a `module:function` that is loaded when it is needed and raises `ValueError`.
    """

    def check(url: str) -> str:
        if optional and not url:
            return url
        if schemes and not is_one_of(schemes, url):
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and name a host")
        if then:
            resolve_name(then)(url)
        return url

    return AfterValidator(check)


def is_one_of(schemes: tuple[str, ...], url: str) -> bool:
    try:
        parts = urlsplit(url)
        # The port is read for what it raises when it is none.
        return parts.scheme in schemes and (bool(parts.hostname) or parts.scheme in HOSTLESS) and parts.port != 0
    except ValueError:
        return False


def is_local(host: str | None) -> bool:
    """Return whether a URL's host is the machine itself, which nothing but its own processes reaches by that name."""
    return host in LOCAL
