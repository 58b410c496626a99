"""Which sites' pages may read answers, which a browser asks before it sends and looks up before it hands them on."""

from collections.abc import Callable

import pytest

from tests.client import Client

SITE = "https://www.example.com"
OTHER = "https://www.example.org"
PREFLIGHT = {
    "Origin": SITE,
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture
def shared(client_with: Callable[..., Client]) -> Client:
    return client_with(cors_origins=(SITE, "http://localhost:5173"))


class TestPreflight:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    def test_what_the_api_uses_is_allowed(self, shared: Client, method: str) -> None:
        response = shared.options("/posts/1", headers=PREFLIGHT | {"Access-Control-Request-Method": method})
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == SITE
        assert method in response.headers["Access-Control-Allow-Methods"].split(", ")
        assert {"Authorization", "Content-Type"} <= set(response.headers["Access-Control-Allow-Headers"].split(", "))
        assert "Origin" in response.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in response.headers

    @pytest.mark.parametrize(
        ("asked", "what"),
        [
            ({"Origin": OTHER}, "origin"),
            ({"Origin": "http://www.example.com"}, "origin"),
            ({"Origin": f"{SITE}:8443"}, "origin"),
            ({"Origin": f"{SITE}.evil.example"}, "origin"),
            ({"Origin": "null"}, "origin"),
            ({"Access-Control-Request-Method": "TRACE"}, "method"),
            ({"Access-Control-Request-Headers": "X-Other"}, "headers"),
        ],
    )
    def test_anything_else_is_refused(self, shared: Client, asked: dict[str, str], what: str) -> None:
        response = shared.options("/posts/1", headers=PREFLIGHT | asked)
        assert (response.status_code, response.json()) == (400, {"detail": f"Disallowed CORS {what}"})
        assert (response.headers.get("Access-Control-Allow-Origin") == SITE) == (what != "origin")


class TestAnswer:
    def test_a_page_of_the_site_may_read_it(self, shared: Client) -> None:
        response = shared.get("/posts", headers={"Origin": SITE})
        assert response.headers["Access-Control-Allow-Origin"] == SITE
        assert response.headers["Access-Control-Expose-Headers"] == "Retry-After, X-Cache, X-Request-ID"
        assert response.headers["Vary"] == "Origin"

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "/users/me", 401), ("GET", "/nowhere", 404), ("GET", "/posts?limit=0", 422), ("POST", "/posts", 413)],
    )
    def test_a_refusal_too(self, client_with: Callable[..., Client], method: str, path: str, status: int) -> None:
        client = client_with(cors_origins=(SITE,), request_max_bytes=1_000)
        headers = {"Origin": SITE} | ({"Content-Length": "1001"} if method == "POST" else {})
        response = client.request(method, path, headers=headers)
        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (status, SITE)

    @pytest.mark.parametrize("origin", [OTHER, "null"])
    def test_one_of_another_site_may_not(self, shared: Client, origin: str) -> None:
        response = shared.get("/posts", headers={"Origin": origin})
        assert (response.status_code, "Access-Control-Allow-Origin" in response.headers) == (200, False)
        assert response.headers["Vary"] == "Origin"


class TestCredentials:
    def test_cookies_go_along_where_the_setting_says_so(self, client_with: Callable[..., Client]) -> None:
        client = client_with(cors_origins=(SITE,), cors_credentials=True)
        for response in (client.options("/posts", headers=PREFLIGHT), client.get("/posts", headers={"Origin": SITE})):
            assert response.headers["Access-Control-Allow-Credentials"] == "true"
            assert response.headers["Access-Control-Allow-Origin"] == SITE

    def test_any_site_may_read_what_anybody_may(self, client_with: Callable[..., Client]) -> None:
        response = client_with(cors_origins=("*",)).get("/posts", headers={"Origin": OTHER})
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers


class TestNoSites:
    def test_nothing_is_said_of_other_sites_and_a_preflight_is_a_method_like_others(
        self, client_with: Callable[..., Client]
    ) -> None:
        client = client_with(cors_origins=())
        answers = client.get("/posts", headers={"Origin": SITE}), client.options("/posts", headers=PREFLIGHT)
        assert [response.status_code for response in answers] == [200, 405]
        assert not [name for response in answers for name in response.headers if name.startswith("access-control-")]
        assert not [response for response in answers if "Vary" in response.headers]
