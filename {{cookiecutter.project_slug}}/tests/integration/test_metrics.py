"""`GET /metrics`: what Prometheus reads, and who may."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import QueuePool, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session

from app.database import engine
from app.observability import metrics
from tests.client import Client
from tests.factories import PostFactory
from tests.lines import Lines


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/posts/{id}/?q=1", {"method": "GET", "route": "/posts/{post_id}", "status": "200"}),
        ("GET", "/openapi.json", {"method": "GET", "route": "/openapi.json", "status": "200"}),
        ("HEAD", "/docs/favicon-32x32.png", {"method": "HEAD", "route": "/docs/{asset}", "status": "200"}),
        ("PUT", "/docs", {"method": "PUT", "route": "/docs", "status": "405"}),
        ("GET", "/wp-login.php", {"method": "GET", "route": "unmatched", "status": "404"}),
        ("BREW", "/posts", {"method": "other", "route": "/posts", "status": "405"}),
        ("GET", "/users/me", {"method": "GET", "route": "/users/me", "status": "401"}),
    ],
)
def test_an_answer_is_counted_by_method_route_and_status(
    anon_client: Client, method: str, path: str, labels: dict[str, str]
) -> None:
    path = path.format(id=PostFactory().id)
    of_route = {name: text for name, text in labels.items() if name != "status"}
    before = value("http_requests_total", **labels), value("http_request_duration_seconds_count", **of_route)
    anon_client.request(method, path)
    after = value("http_requests_total", **labels), value("http_request_duration_seconds_count", **of_route)
    assert after == (before[0] + 1, before[1] + 1)


def test_it_tells_the_connections_in_use(anon_client: Client, db: Session) -> None:
    text = anon_client.get("/metrics").text
    held = value("database_connections_in_use")
    assert f"\ndatabase_connections_in_use {held}\n" in text
    assert f"\ndatabase_connections_max {value('database_connections_max')}\n" in text
    with engine.connect():
        assert value("database_connections_in_use") == held + 1
    assert value("database_connections_in_use") == held


def test_an_outage_of_the_database_leaves_the_connections_in_use_as_they_are(schema: None) -> None:
    down = False

    def create() -> DBAPIConnection:
        if down:
            raise ConnectionRefusedError
        arguments, options = engine.dialect.create_connect_args(engine.url)
        return engine.dialect.connect(*arguments, **options)

    pool = QueuePool(create)
    event.listen(pool, "checkout", metrics.take)
    event.listen(pool, "checkin", metrics.give_back)
    held = value("database_connections_in_use")
    connection = pool.connect()
    assert value("database_connections_in_use") == held + 1
    connection.invalidate()
    assert value("database_connections_in_use") == held
    down = True
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            pool.connect()
    down = False
    assert value("database_connections_in_use") == held
    again = pool.connect()
    assert value("database_connections_in_use") == held + 1
    again.close()
    assert value("database_connections_in_use") == held
    pool.dispose()


def test_it_is_no_line_of_the_log_and_in_no_schema(app: FastAPI, anon_client: Client, lines: Lines) -> None:
    response = anon_client.get("/metrics")
    assert (response.status_code, response.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    # Nor is a health check that went well, and whatever is not found is.
    anon_client.get("/health/ready")
    anon_client.get("/health/unknown")
    assert [(line["route"], line["status"]) for line in lines.of("app.middleware.request_context")] == [
        ("unmatched", 404)
    ]
    assert "/metrics" not in app.openapi()["paths"]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [({}, 401), ({"Authorization": "Bearer wrong"}, 401), ({"Authorization": "Bearer of Prometheus"}, 200)],
)
def test_with_a_token_it_is_for_who_has_it(
    client_with: Callable[..., Client], authorization: dict[str, str], status: int
) -> None:
    response = client_with(metrics_token=SecretStr("of Prometheus")).get("/metrics", headers=authorization)
    assert response.status_code == status
    assert ("http_requests_total" in response.text) == (status == 200)
