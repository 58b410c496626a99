"""What counts as one client, which rate applies to what, and what the storage holds."""

import asyncio

import pytest
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from app.main import app
from app.rate_limiting.limiter import UNIX_SOCKET, RateLimiter, client_key, get_rate_limiter
from app.rate_limiting.memory import BoundedMemoryStorage
from tests.unit.given import make

pytestmark = pytest.mark.usefixtures("no_environment")


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1:0:0:0:2", "20010db800000001"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "20010db800000001"),
        ("2001:db8:0:1::1%eth0", "20010db800000001"),
        ("testclient", "testclient"),
        ("", UNIX_SOCKET),
    ],
)
def test_an_address_or_an_ipv6_network_is_one_client(host: str, key: str) -> None:
    assert client_key(host) == key


def test_a_client_on_a_unix_socket_has_a_key() -> None:
    limiter = asyncio.run(get_rate_limiter(Request({"type": "http", "app": app, "client": None})))
    assert limiter.client == UNIX_SOCKET


def test_keys_reveal_no_account_and_no_address() -> None:
    storage, settings = BoundedMemoryStorage(), make()
    limits = MovingWindowRateLimiter(storage)
    accounts = ("ada@example.com", "", "x" * 100_000, "\ud800", "é")
    for account in (*accounts, " Ada@Example.com\t"):
        RateLimiter(limits, settings, "192.0.2.1").attempt("login", account)
    (windows,) = storage.windows.values()
    # The last is the first in another spelling, and one key is the client's.
    assert len(windows) == len(accounts) + 1
    assert all(len(key) < 100 and "ada" not in key and "192.0.2.1" not in key for key in windows)
    RateLimiter(limits, make(secret_key="another"), "192.0.2.1").attempt("login", "ada@example.com")
    assert len(windows) == len(accounts) + 3
