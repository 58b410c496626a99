"""The headers that keep a browser from harm are on every answer, whoever it comes from."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

import pytest
from fastapi import FastAPI
from fastapi import Response as Answer
from httpx2 import Response
from starlette.testclient import TestClient

from app.middleware import SecurityHeaders
from app.models import User
from tests.client import Client
from tests.factories import PASSWORD, PostFactory

ON_ALL = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=600",
}
OF_DATA = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SITE = "https://www.example.com"
PREFLIGHT = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
LOADED = re.compile(r"<(?P<tag>script|link|img)\b[^>]*?\b(?:src|href)=\"(?P<url>[^\"]+)\"[^>]*>")


@pytest.fixture
def guarded(client_with: Callable[..., Client]) -> Client:
    return client_with(cors_origins=(SITE,), hsts_seconds=600, request_max_bytes=1_000)


def of(response: Response) -> dict[str, str]:
    """Return its headers of those names, each of which it may have once."""
    return {name: ", ".join(response.headers.get_list(name)) for name in (*ON_ALL, "Content-Security-Policy")}


def policy(response: Response) -> dict[str, list[str]]:
    """Return what may be loaded, by kind."""
    kinds = [part.split() for part in response.headers["Content-Security-Policy"].split(";")]
    return {kind: sources for kind, *sources in kinds}


class TestEveryAnswer:
    @pytest.mark.parametrize(
        ("method", "path", "headers", "status"),
        [
            ("GET", "/posts", {}, 200),
            ("GET", "/users/me", {}, 401),
            ("GET", "/nowhere", {}, 404),
            ("DELETE", "/posts", {}, 405),
            ("GET", "/posts?limit=0", {}, 422),
            ("GET", "/openapi.json", {}, 200),
            ("GET", "/health/ready", {}, 200),
            ("POST", "/posts", {"Content-Length": "1001"}, 413),
            ("GET", "/posts", {"Host": "elsewhere.example.com"}, 400),
            ("OPTIONS", "/posts", PREFLIGHT, 200),
            ("OPTIONS", "/posts", PREFLIGHT | {"Origin": "https://elsewhere.example.com"}, 400),
        ],
    )
    def test_it_has_them(self, guarded: Client, method: str, path: str, headers: dict[str, str], status: int) -> None:
        response = guarded.request(method, path, headers=headers)
        assert response.status_code == status
        assert of(response) == ON_ALL | {"Content-Security-Policy": OF_DATA}

    def test_so_has_one_that_has_no_body(self, admin_client: Client) -> None:
        response = admin_client.delete(f"/posts/{PostFactory().id}")
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["Content-Security-Policy"] == OF_DATA

    def test_and_one_that_holds_a_token(self, guarded: Client, user: User) -> None:
        response = guarded.post("/auth/login", json={"email": user.email, "password": PASSWORD})
        assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")


class TestBug:
    @pytest.fixture(autouse=True)
    def bug(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("a secret of the program")

        monkeypatch.setattr("app.posts.service.list_posts", fail)

    def test_its_500_has_them_too_and_the_page_of_another_site_may_read_it(self, guarded: Client) -> None:
        response = guarded.get("/posts", headers={"Origin": SITE})
        assert (response.status_code, response.json()) == (500, {"detail": "Internal server error"})
        assert of(response) == ON_ALL | {"Content-Security-Policy": OF_DATA}
        assert response.headers["Access-Control-Allow-Origin"] == SITE

    @pytest.mark.parametrize(("accept", "kind"), [("text/html", "text/html"), ("*/*", "text/plain")])
    def test_with_debug_it_shows_the_traceback(
        self, client_with: Callable[..., Client], accept: str, kind: str
    ) -> None:
        response = client_with(debug=True, hsts_seconds=600).get("/posts", headers={"Accept": accept})
        assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (500, kind)
        assert "Traceback" in response.text
        assert "a secret of the program" in response.text
        assert {name: value for name, value in of(response).items() if name in ON_ALL} == ON_ALL
        assert ("script-src" in policy(response)) == (kind == "text/html")

    @pytest.mark.parametrize("accept", ["text/html", "*/*"])
    def test_without_it_does_not(self, client_with: Callable[..., Client], accept: str) -> None:
        response = client_with(debug=False).get("/posts", headers={"Accept": accept})
        assert (response.status_code, response.json()) == (500, {"detail": "Internal server error"})


class TestTransport:
    def test_zero_seconds_send_no_promise(self, client_with: Callable[..., Client]) -> None:
        response = client_with(hsts_seconds=0).get("/posts")
        assert "Strict-Transport-Security" not in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"


class TestPages:
    def test_they_load_from_this_server_alone_and_run_no_script_but_theirs(self, guarded: Client) -> None:
        response = guarded.get("/docs")
        allowed = policy(response)
        assert {name: value for name, value in of(response).items() if name in ON_ALL} == ON_ALL
        loaded = [found["url"] for found in LOADED.finditer(response.text)]
        assert len(loaded) == 3
        for url in loaded:
            assert re.fullmatch(r"/docs/[\w.-]+", url)
            asset = guarded.get(url)
            assert (asset.status_code, asset.headers["Cache-Control"]) == (200, "public, max-age=3600")
        (script,) = re.findall("<script>(.*?)</script>", response.text, re.DOTALL)
        digest = b64encode(sha256(script.encode()).digest()).decode()
        assert allowed == {
            **{kind: ["'none'"] for kind in ("default-src", "base-uri", "form-action", "frame-ancestors")},
            **{kind: ["'self'"] for kind in ("connect-src", "style-src")},
            "img-src": ["'self'", "data:"],
            "script-src": ["'self'", f"'sha256-{digest}'"],
        }

    def test_data_may_load_nothing(self, guarded: Client) -> None:
        assert set(map(tuple, policy(guarded.get("/posts")).values())) == {("'none'",)}


class TestHeadersOfARoute:
    def test_they_stay_as_they_are(self) -> None:
        own = {"cache-control": "max-age=60", "X-Frame-Options": "SAMEORIGIN"}
        app = FastAPI()
        app.add_api_route("/", lambda: Answer(headers=own))
        app.add_middleware(SecurityHeaders, hsts_seconds=600)
        response = TestClient(app).get("/")
        assert of(response) == ON_ALL | {
            "Cache-Control": "max-age=60",
            "X-Frame-Options": "SAMEORIGIN",
            "Content-Security-Policy": OF_DATA,
        }
