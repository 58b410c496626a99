"""Rate limits for each client address and each account.

    def log_in(credentials: Credentials, db: SessionDep, limiter: RateLimiterDep) -> TokenPair:
        limiter.attempt("login", credentials.email)

An attempt counts before it is known whether it succeeds, so a 429 says nothing about that. A refused attempt doesn't
count, so going on doesn't prolong the wait.
"""

import hmac
import time
import unicodedata
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Annotated

from fastapi import Depends, FastAPI
from limits import parse
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from app.api.errors import TooManyRequests
from app.rate_limiting.memory import BoundedMemoryStorage

# {%- if cookiecutter.use_redis +%}
from app.rate_limiting.redis import SharedRateLimiter

# {%- endif +%}
from app.settings import Settings

UNIX_SOCKET = "unix socket"
"""Key for clients without an IP address (Unix sockets)."""
IPV6_NETWORK_BYTES = 8
"""A /64: whoever has one of its addresses has them all."""

parse_rate = lru_cache(parse)


class RateLimiter:
    """The rate limits of the client that sent a request; each method raises `TooManyRequests` when one is exceeded."""

    def __init__(self, limits: MovingWindowRateLimiter, settings: Settings, client: str) -> None:
        self.limits = limits
        self.settings = settings
        self.client = client

    def attempt(self, action: str, account: str) -> None:
        """Count an attempt on an account, such as a login."""
        self.count(action, account, self.settings.account_rate)

    def mail(self, action: str, address: str) -> None:
        """Count a mail to an address, or on behalf of a user."""
        self.count(action, mailbox_of(address), self.settings.mail_rate)

    def refused_body(self) -> None:
        """Count a request body that was refused."""
        self.hit("body", f"address {self.client}", self.settings.address_rate)

    def count(self, action: str, account: str, rate: str) -> None:
        """Count an action of the client on an account, at a rate of its own."""
        # The address first, so that a refused address uses up nothing of an account, which may be somebody else's.
        self.hit(action, f"address {self.client}", self.settings.address_rate)
        # Normalised as accounts are looked up.
        self.hit(action, f"account {account.strip().lower()}", rate)

    def hit(self, action: str, subject: str, rate: str) -> None:
        limit, key = parse_rate(rate), self.hashed(subject)
        if self.limits.hit(limit, action, key):
            return
        reset_time, remaining = self.limits.get_window_stats(limit, action, key)
        # With room again by now, the reset time is that of a later hit.
        seconds = 1 if remaining else ceil(reset_time - time.time())
        raise TooManyRequests(min(max(seconds, 1), limit.get_expiry()))

    def hashed(self, subject: str) -> str:
        """Return a key of fixed length that reveals no address to who reads the storage."""
        # Form fields may hold lone surrogates.
        text = subject.encode(errors="surrogatepass")
        return hmac.digest(self.settings.secret_key.get_secret_value().encode(), text, "sha256").hex()


def mailbox_of(address: str) -> str:
    """Return one key for the spellings that most mail servers deliver to one mailbox: plus tags, dots, compatible characters."""
    user, at, domain = unicodedata.normalize("NFKC", address).casefold().rpartition("@")
    return f"{user.partition('+')[0].replace('.', '')}{at}{domain}"


def client_key(host: str | None) -> str:
    """Return what counts as one client: an IPv4 address, an IPv6 /64, or whatever else the server gives as the host."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or UNIX_SOCKET
    if not isinstance(address, IPv6Address):
        return str(address)
    # A dual-stack server shows IPv4 clients as IPv4-mapped addresses, which are all in one /64.
    return str(address.ipv4_mapped or address.packed[:IPV6_NETWORK_BYTES].hex())


def install_rate_limits(app: FastAPI) -> None:
    """Give the application rate limits of its own."""
    limits = MovingWindowRateLimiter(BoundedMemoryStorage())
    # {% if cookiecutter.use_redis %}
    limits = SharedRateLimiter(app.state.settings, fallback=limits)
    # {% endif %}
    app.state.rate_limits = limits


async def get_rate_limiter(connection: HTTPConnection) -> RateLimiter:
    state = connection.app.state
    return RateLimiter(state.rate_limits, state.settings, client_key(connection.client and connection.client.host))


RateLimiterDep = Annotated[RateLimiter, Depends(get_rate_limiter)]
