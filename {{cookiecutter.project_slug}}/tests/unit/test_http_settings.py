"""Hosts, origins and proxies in the settings."""

import pytest

from tests.unit.given import complaints, make

pytestmark = pytest.mark.usefixtures("no_environment")

ACCEPTED = {
    "trusted_hosts": ["*", "API.example.com", "*.example.com", "10.0.0.1", "[2001:db8::1]", "app_1"],
    "cors_origins": ["*", "https://www.example.com", "http://localhost:5173", "https://[::1]:8443", "https://a.de:80"],
    "trusted_proxies": ["10.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"],
}
REFUSED = {
    "trusted_hosts": ["", " localhost", "localhost\n", "a.example:80", "https://a.example", "a.*.com", "::1", "[::1"],
    "cors_origins": [
        *["", "null", "www.example.com", "https://", "ftp://www.example.com", "https://www.example.com\n"],
        *["https://www.example.com/", "https://WWW.example.com", "https://*.example.com", "https://me@www.example.com"],
        *["https://www.example.com:443", "http://localhost:80", "https://www.example.com:", "https://[::1"],
    ],
    "trusted_proxies": ["", "*", "proxy", "10.0.0.1/8", "10.0.0.0/33", "[::1]", "10.0.0.1:80"],
}
MESSAGES = {
    "trusted_hosts": "{!r} is not a host, as in api.example.com",
    "cors_origins": "{!r} is not an origin, as in https://www.example.com",
    "trusted_proxies": "not a valid IPv4 or IPv6 network",
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in ACCEPTED for value in ACCEPTED[name]])
def test_a_value_is_accepted(name: str, value: str) -> None:
    assert [str(one) for one in getattr(make(**{name: [value]}), name)] == [value]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in REFUSED for value in REFUSED[name]])
def test_another_value_is_refused_with_its_position(name: str, value: str) -> None:
    ((where, message),) = complaints(**{name: [ACCEPTED[name][1], value]})
    assert where == (name, 1)
    assert MESSAGES[name].format(value) in message


def test_there_is_at_least_one_host() -> None:
    assert [where for where, _ in complaints(trusted_hosts=[])] == [("trusted_hosts",)]
