"""How often somebody may try: from one address, and for one account.

    def log_in(credentials: Credentials, db: SessionDep, throttle: ThrottleDep) -> TokenPair:
        throttle.attempt("login", credentials.email)

An attempt counts before anybody knows whether it is right, so that a refusal tells nothing of that. One that is refused
does not count, so that the wait does not grow by going on.
"""

import unicodedata
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Annotated

from fastapi import Depends, FastAPI
from limits import parse
from starlette.requests import HTTPConnection

from app.api.errors import TooManyRequests
from app.rate_limiting import (
    buckets,
    # {% if cookiecutter.use_redis %}
    shared_buckets,
    # {% endif %}
)
from app.settings import Settings

NOWHERE = "nowhere"
"""Where all clients are of whom the server knows no address: those that come by a socket of this machine."""
NETWORK_BYTES = 8
"""What of an IPv6 address is the network's, of 16: whoever has one address of it has them all."""

rate_of = lru_cache(parse)


class Throttle:
    """What the client of a request may still try."""

    def __init__(self, counted: buckets.Buckets, settings: Settings, place: str) -> None:
        self.counted = counted
        self.settings = settings
        self.place = place

    def attempt(self, action: str, account: str) -> None:
        """Count an attempt at an account; raises `TooManyRequests` where there were too many of this action."""
        self.count(action, account, self.settings.account_rate)

    def mail(self, action: str, account: str) -> None:
        """Count a mail for or to somebody; raises `TooManyRequests` where there were too many of this action."""
        self.count(action, mailbox_of(account), self.settings.mail_rate)

    def refuse_body(self) -> None:
        """Count a body that is refused; raises `TooManyRequests` where the address has sent too many of them."""
        self.take("body", f"address {self.place}", self.settings.address_rate)

    def count(self, action: str, account: str, rate: str) -> None:
        # The address first: one that is refused takes nothing from an account that may be another's.
        self.take(action, f"address {self.place}", self.settings.address_rate)
        # As accounts are looked up.
        self.take(action, f"account {account.strip().lower()}", rate)

    def take(self, action: str, whom: str, rate: str) -> None:
        seconds = self.counted.take(rate_of(rate), action, whom)
        if seconds:
            raise TooManyRequests(seconds)


def mailbox_of(address: str) -> str:
    """Return one key for the spellings that most mail servers put into one mailbox: plus tags, dots, compatible characters."""
    user, at, domain = unicodedata.normalize("NFKC", address).casefold().rpartition("@")
    return f"{user.partition('+')[0].replace('.', '')}{at}{domain}"


def place_of(host: str | None) -> str:
    """Return what counts as one client: an address, or the network of an IPv6 address, or what else the server says."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or NOWHERE
    if not isinstance(address, IPv6Address):
        return str(address)
    # A server that listens on both kinds shows IPv4 in this form, and all of it is in one network.
    return str(address.ipv4_mapped or address.packed[:NETWORK_BYTES].hex())


def install_buckets(app: FastAPI) -> None:
    """Give the application buckets with nothing in them."""
    app.state.buckets = buckets.Buckets(app.state.settings)
    # {% if cookiecutter.use_redis %}
    app.state.buckets = shared_buckets.SharedBuckets(app.state.settings)
    # {% endif %}


async def get_throttle(connection: HTTPConnection) -> Throttle:
    state = connection.app.state
    return Throttle(state.buckets, state.settings, place_of(connection.client and connection.client.host))


ThrottleDep = Annotated[Throttle, Depends(get_throttle)]
