"""URLs of brokers, validated before anything connects: any broker that Celery supports, if its package is installed."""

import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kombu.transport import TRANSPORT_ALIASES, resolve_transport

from app.settings import redis_urls
from app.settings.urls import names_host

WITH_A_HOST = {"redis", "rediss", "sentinel", "amqp", "amqps", "pyamqp"}
# For Celery's own tests: other processes don't see what is queued there.
NO_BROKERS = {"memory"}


def check(url: str) -> str:
    """Refuse URLs that Celery can't use, without repeating them; several are separated by `;`."""
    for one in url.split(";"):
        scheme = one.partition("://")[0]
        if "://" not in one or scheme not in TRANSPORT_ALIASES or scheme in NO_BROKERS:
            raise ValueError("must begin with redis://, amqp:// or the scheme of another broker that Celery supports")
        if scheme in WITH_A_HOST and not names_host(one):
            raise ValueError(f"must name a host, as in {scheme}://host.example.com")
        if scheme in {"redis", "rediss"}:
            redis_urls.check(one)
        try:
            resolve_transport(scheme)
        except Exception:  # noqa: BLE001 - each fails in its own way without its package
            raise ValueError(f"needs a package that isn't installed; celery[{scheme}] may bring it") from None
    return url


def tls_options(url: str) -> dict[str, Any] | None:
    """Return options that have the broker's certificate verified, which not all transports do by default."""
    parts = urlsplit(url)
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in parse_qs(parts.query):
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    return {"server_hostname": parts.hostname} if parts.scheme == "amqps" else None
