"""Hosts of URLs in settings."""

from urllib.parse import urlsplit

LOCAL = {"localhost", "127.0.0.1", "::1", "[::1]"}


def names_host(url: str) -> bool:
    """Return whether the URL has a host, and a port that is one if it has any."""
    try:
        parts = urlsplit(url)
        # Reading the port raises an error if it isn't one.
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_local(host: str | None) -> bool:
    """Return whether a URL's host is this machine."""
    return host in LOCAL
