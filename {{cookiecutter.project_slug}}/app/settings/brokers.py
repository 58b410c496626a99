"""URLs of brokers, looked at before anything connects to one: any that Celery speaks, if its package is installed."""

import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kombu.transport import TRANSPORT_ALIASES, resolve_transport

from app.settings import redis_urls
from app.settings.urls import is_one_of

WITH_A_HOST = {"redis", "rediss", "sentinel", "amqp", "amqps", "pyamqp"}
# For the tests of Celery itself: other processes see nothing of what is queued there.
NO_BROKERS = {"memory"}


def check(url: str) -> None:
    """Raise `ValueError` where Celery can use none of it, in words that do not repeat it; several are joined by `;`."""
    for one in url.split(";"):
        scheme = one.partition("://")[0]
        if "://" not in one or scheme not in TRANSPORT_ALIASES or scheme in NO_BROKERS:
            raise ValueError("must begin with redis:// or amqp:// or another broker's name that Celery knows")
        if scheme in WITH_A_HOST and not is_one_of((scheme,), one):
            raise ValueError(f"must name a host, as in {scheme}://host.example.com")
        if scheme in {"redis", "rediss"}:
            redis_urls.check(one)
        try:
            resolve_transport(scheme)
        except Exception:  # noqa: BLE001 - each fails in its own way without its package
            raise ValueError(f"names {scheme}, for which a package is missing: celery[{scheme}] may bring it") from None


def tls_options(url: str) -> dict[str, Any] | None:
    """Return what has the broker's certificate checked, which by themselves not all transports do."""
    parts = urlsplit(url)
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in parse_qs(parts.query):
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    return {"server_hostname": parts.hostname} if parts.scheme == "amqps" else None
