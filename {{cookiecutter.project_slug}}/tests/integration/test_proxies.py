"""Whose word is taken about where a request comes from: that of the proxies in the settings, and nobody else's."""

import http.client
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.listening import listening

CLIENT = "203.0.113.9"
PROXY = "10.0.0.1"
Application = Callable[[Sequence[str]], FastAPI]


def tell(request: Request) -> dict[str, Any]:
    return {"client": request.client and request.client.host, "scheme": request.url.scheme}


@pytest.fixture
def behind(settings: Settings) -> Application:
    """Return what makes an application that trusts these proxies and tells who asks."""

    def make(proxies: Sequence[str]) -> FastAPI:
        trusted = {"trusted_proxies": tuple(proxies), "trusted_hosts": ("testserver", "127.0.0.1")}
        app = create_app(settings.model_copy(update=trusted))
        app.add_api_route("/who", tell)
        return app

    return make


def who(app: FastAPI, peer: str, *forwarded: str, **headers: str) -> Any:
    """Return what the application takes the client to be when somebody with the address `peer` connects."""
    given = [("X-Forwarded-For", text) for text in forwarded] + list(headers.items())
    return TestClient(app, client=(peer, 1)).get("/who", headers=given).json()


class TestTrustedProxy:
    @pytest.mark.parametrize(
        ("proxies", "peer"),
        [
            ([PROXY], PROXY),
            (["10.0.0.0/8"], PROXY),
            (["2001:db8::1"], "2001:db8::1"),
            (["2001:db8::/32"], "2001:DB8:0::1"),
        ],
    )
    @pytest.mark.parametrize("client", [CLIENT, "2001:db9::7"])
    def test_it_names_the_client(self, behind: Application, proxies: list[str], peer: str, client: str) -> None:
        assert who(behind(proxies), peer, client)["client"] == client

    @pytest.mark.parametrize(("text", "client"), [(f"{CLIENT}:5000", CLIENT), ("[2001:db9::7]:5000", "2001:db9::7")])
    def test_a_port_behind_it_is_no_part_of_it(self, behind: Application, text: str, client: str) -> None:
        assert who(behind([PROXY]), PROXY, text)["client"] == client

    @pytest.mark.parametrize("forwarded", [(), ("",)])
    def test_without_a_name_it_is_itself_the_client(self, behind: Application, forwarded: tuple[str, ...]) -> None:
        assert who(behind([PROXY]), PROXY, *forwarded)["client"] == PROXY

    def test_it_tells_that_the_client_came_by_https(self, behind: Application) -> None:
        app = behind([PROXY])
        assert who(app, PROXY, CLIENT, **{"X-Forwarded-Proto": "https"}) == {"client": CLIENT, "scheme": "https"}
        assert who(app, PROXY, CLIENT, **{"X-Forwarded-Proto": "gopher"})["scheme"] == "http"


class TestSeveralProxies:
    @pytest.mark.parametrize(
        "forwarded",
        [
            (f"{CLIENT}, 10.0.0.2",),
            (f"{CLIENT},10.0.0.3,10.0.0.2",),
            (CLIENT, "10.0.0.2"),
            # What the client itself put in front.
            (f"192.0.2.1, {CLIENT}, 10.0.0.2",),
            ("192.0.2.1", CLIENT, "10.0.0.2"),
            (f"10.0.0.4, {CLIENT}, 10.0.0.2",),
            (f"127.0.0.1, {CLIENT}",),
            (f"nonsense, {CLIENT}",),
        ],
    )
    def test_the_client_is_who_spoke_to_the_first_of_them(
        self, behind: Application, forwarded: tuple[str, ...]
    ) -> None:
        assert who(behind(["10.0.0.0/8"]), PROXY, *forwarded)["client"] == CLIENT


class TestAnybodyElse:
    @pytest.mark.parametrize("proxies", [[], [PROXY], ["10.0.0.0/8"]])
    @pytest.mark.parametrize("peer", ["192.0.2.1", "127.0.0.1", "2001:db8::1"])
    def test_their_word_is_not_taken(self, behind: Application, proxies: list[str], peer: str) -> None:
        told = who(behind(proxies), peer, CLIENT, **{"X-Forwarded-Proto": "https", "Forwarded": f"for={CLIENT}"})
        assert told == {"client": peer, "scheme": "http"}


@pytest.mark.slow
class TestServer:
    """The server itself would believe whoever comes from this machine, such as a proxy that passes on what it gets."""

    @pytest.mark.parametrize(("proxies", "told"), [([], "127.0.0.1"), ([PROXY], "127.0.0.1"), (["127.0.0.1"], CLIENT)])
    def test_it_takes_no_word_that_the_settings_do_not(
        self, behind: Application, proxies: list[str], told: str
    ) -> None:
        with listening(behind(proxies)) as address, closing(http.client.HTTPConnection(*address, timeout=10)) as peer:
            peer.request("GET", "/who", headers={"X-Forwarded-For": CLIENT})
            answer = peer.getresponse()
            assert json.loads(answer.read())["client"] == told
            assert answer.getheader("Server") is None
