"""The settings of what goes around every request: who may ask, by which name, from which site, and how much."""

from typing import Any

import pytest

from app.settings import Settings
from tests.unit.given import SECRET, URL, complaints, make

pytestmark = pytest.mark.usefixtures("no_environment")


def named(name: str, value: str) -> bool:
    """Return whether the value is refused in one sentence that names it, among good ones."""
    good = {"trusted_hosts": "localhost", "cors_origins": "https://a.example", "trusted_proxies": "10.0.0.1"}[name]
    ((where, message),) = complaints(**{name: [good, value]})
    return where == (name, 1) and message.startswith(f"Value error, {value!r} is no ")


class TestDefaults:
    def test_they_let_nobody_in_from_elsewhere(self) -> None:
        settings = make()
        assert settings.trusted_hosts == ("localhost", "127.0.0.1", "[::1]")
        assert (settings.cors_origins, settings.cors_credentials, settings.trusted_proxies) == ((), False, ())
        assert (settings.debug, settings.hsts_seconds, settings.request_max_bytes) == (False, 31_536_000, 1_000_000)


class TestTrustedHosts:
    @pytest.mark.parametrize(
        "name",
        [
            "*",
            "localhost",
            "API.example.com",
            "*.example.com",
            "10.0.0.1",
            "[::1]",
            "[2001:db8::1]",
            "app_1",
            "xn--e1a",
        ],
    )
    def test_a_name_is_taken(self, name: str) -> None:
        assert make(trusted_hosts=[name]).trusted_hosts == (name,)

    @pytest.mark.parametrize(
        "name",
        [
            "",
            " localhost",
            "localhost\n",
            "api.example.com:8000",
            "https://api.example.com",
            "api.example.com/",
            "api.*.com",
            "*example.com",
            "**",
            "example.com.",
            "::1",
            "[::1]:8000",
            "[::1",
            "[localhost]",
            "[0:0:0:0:0:0:0:1]",
        ],
    )
    def test_what_no_host_is_ever_compared_to_is_refused(self, name: str) -> None:
        assert named("trusted_hosts", name)

    def test_there_is_at_least_one(self) -> None:
        assert [where for where, _ in complaints(trusted_hosts=[])] == [("trusted_hosts",)]


class TestCorsOrigins:
    @pytest.mark.parametrize(
        "origin", ["*", "https://www.example.com", "http://localhost:5173", "https://[::1]:8443", "https://xn--e1a.de"]
    )
    def test_an_origin_is_taken(self, origin: str) -> None:
        assert make(cors_origins=[origin]).cors_origins == (origin,)

    @pytest.mark.parametrize(
        "origin",
        [
            "",
            "www.example.com",
            "https://www.example.com/",
            "https://www.example.com/page",
            "https://www.example.com?x",
            "https://www.example.com#x",
            "https://WWW.example.com",
            "HTTPS://www.example.com",
            "ftp://www.example.com",
            "//www.example.com",
            "https://",
            "https://*.example.com",
            "https://user@www.example.com",
            "https://[::1",
            "https://www.example.com:443",
            "http://localhost:80",
            "https://www.example.com:port",
            "https://www.example.com:",
            "https://www..example.com",
            "https://www.example.com\n",
            "null",
        ],
    )
    def test_what_no_browser_sends_is_refused(self, origin: str) -> None:
        assert named("cors_origins", origin)


class TestTrustedProxies:
    @pytest.mark.parametrize("network", ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0"])
    def test_an_address_and_a_network_are_taken(self, network: str) -> None:
        assert make(trusted_proxies=[network]).trusted_proxies == (network,)

    @pytest.mark.parametrize(
        "network", ["", "*", "proxy", "10.0.0", "10.0.0.1/8", "10.0.0.0/33", "[::1]", "10.0.0.1:80"]
    )
    def test_anything_else_is_refused(self, network: str) -> None:
        assert named("trusted_proxies", network)


class TestNumbers:
    @pytest.mark.parametrize(
        ("name", "least", "most"),
        [
            ("hsts_seconds", 0, 63_072_000),
            ("request_max_bytes", 1_000, 100_000_000),
            ("request_body_seconds", 1, 3_600),
        ],
    )
    def test_they_have_limits(self, name: str, least: int, most: int) -> None:
        assert getattr(make(**{name: least}), name) == least
        assert getattr(make(**{name: most}), name) == most
        for value in (least - 1, most + 1, "many", "", 1.5):
            assert [where for where, _ in complaints(**{name: value})] == [(name,)]


class TestSwitches:
    @pytest.mark.parametrize("name", ["debug", "cors_credentials"])
    def test_they_are_on_or_off(self, name: str) -> None:
        for text, value in (("true", True), ("1", True), ("off", False)):
            assert getattr(make(**{name: text}), name) is value
        for text in ("", "maybe"):
            assert [where for where, _ in complaints(**{name: text})] == [(name,)]


class TestJSON:
    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("TRUSTED_HOSTS", '["a.example", "b.example"]', ("a.example", "b.example")),
            ("TRUSTED_PROXIES", '["10.0.0.0/8"]', ("10.0.0.0/8",)),
            ("CORS_ORIGINS", "[]", ()),
            ("SECRET_KEY_FALLBACKS", '["hunter2"]', ("hunter2",)),
        ],
    )
    def test_a_list_comes_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: Any
    ) -> None:
        monkeypatch.setenv(name, text)
        assert getattr(Settings(database_url=URL, secret_key=SECRET), name.lower()) == value

    @pytest.mark.parametrize("text", ["", "hunter2", "['hunter2']", '["hunter2"', "[hunter2]"])
    def test_what_is_none_is_refused_and_not_repeated(self, text: str) -> None:
        assert complaints(secret_key_fallbacks=text) == [
            (("secret_key_fallbacks",), "Value error, must be JSON, in double quotes, as .env.example shows")
        ]

    @pytest.mark.parametrize("text", ["1", '"hunter2"', "{}", "null"])
    def test_so_is_what_is_no_list(self, text: str) -> None:
        assert [where for where, _ in complaints(secret_key_fallbacks=text)] == [("secret_key_fallbacks",)]
