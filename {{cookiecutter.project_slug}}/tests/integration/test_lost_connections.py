"""Connections to the database: the round trips of a request, and those lost to a restart or a firewall."""

from collections.abc import Iterator
from time import monotonic

import pytest
from sqlalchemy import make_url
from starlette.testclient import TestClient

from app.database import SessionLocal, make_engine
from app.engines import stale
from app.observability import health
from app.settings import EXAMPLE_URL, Settings
from tests.committed import add_users
from tests.proxy import Proxy, Way, proxy_to

TIMEOUTS = {"connect_timeout": "2", "read_timeout": "2"}
BOUND = 6
POST = {"title": "New", "body": "New", "slug": "new"}
# {% if cookiecutter.__postgresql %}
# One for each statement; with BEGIN and COMMIT where it may write.
READ, CREATE = 1, 4
# {% endif %}
# {% if cookiecutter.__mysql %}
# One for each statement, with which the server begins by itself, and COMMIT.
READ, CREATE = 2, 3
# {% endif %}


@pytest.fixture
def author(server: TestClient, settings: Settings) -> dict[str, str]:
    (headers,) = add_users(settings, "author@example.com")
    return headers


@pytest.fixture
def proxy(author: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy that the application's connections go through, one of which is open and idle."""
    with proxy_to(settings.database_url, make_url(EXAMPLE_URL).port or 0) as proxy:
        url = make_url(proxy.url).update_query_dict(TIMEOUTS)
        distant = make_engine(settings.model_copy(update={"database_url": url.render_as_string(hide_password=False)}))
        monkeypatch.setitem(SessionLocal.kw, "bind", distant)
        monkeypatch.setattr(health, "PATIENCE_SECONDS", 1)
        with distant.connect():
            pass
        yield proxy
        distant.dispose()


@pytest.mark.parametrize(
    ("method", "path", "body", "round_trips"), [("GET", "/users/me", None, READ), ("POST", "/posts", POST, CREATE)]
)
def test_round_trips_of_a_request(
    server: TestClient,
    author: dict[str, str],
    proxy: Proxy,
    method: str,
    path: str,
    body: dict[str, str] | None,
    round_trips: int,
) -> None:
    before = proxy.passed
    assert server.request(method, path, headers=author, json=body).is_success
    assert proxy.passed - before == round_trips


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 201)])
def test_one_that_the_server_closed_is_replaced(
    server: TestClient, author: dict[str, str], proxy: Proxy, method: str, status: int
) -> None:
    proxy.close_links()
    response = server.request(method, "/posts", headers=author, json=POST if method == "POST" else None)
    assert response.status_code == status


def test_one_that_was_idle_and_fell_silent_is_replaced(
    server: TestClient, author: dict[str, str], proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stale, "IDLE_SECONDS", 0)
    proxy.forget_links()
    assert server.get("/users/me", headers=author).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_on_one_that_falls_silent_is_a_503_in_time(
    server: TestClient, author: dict[str, str], proxy: Proxy, method: str
) -> None:
    proxy.way = Way.SILENT
    began = monotonic()
    response = server.request(method, "/posts", headers=author, json=POST if method == "POST" else None)
    assert (response.status_code, monotonic() - began < BOUND) == (503, True)
    assert server.get("/health/ready").status_code == 503
    proxy.way = Way.OPEN
    assert server.get("/posts", headers=author).json()["total"] == 0
    while server.get("/health/ready").status_code != 200:
        assert monotonic() - began < 2 * BOUND
