"""Each request takes one trip to the thread pool."""

from typing import Any

import pytest
from anyio import to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from app.api.routing import OneHopRoute
from app.models import User
from tests.client import Client
from tests.factories import PASSWORD, PostFactory
from tests.unit.journal import Journal


def test_every_route_that_uses_the_database_is_a_one_hop_route(app: FastAPI) -> None:
    others = {
        context.path
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute) and not isinstance(context.original_route, OneHopRoute)
    }
    assert others == {"/health/live", "/health/ready", "/metrics"}


@pytest.mark.parametrize(
    ("method", "path", "options", "hops"),
    [
        ("GET", "/posts", {}, 1),
        ("POST", "/posts", {"json": {"title": "New", "body": "New", "slug": "new"}}, 1),
        ("GET", "/posts/{post_id}", {}, 1),
        ("DELETE", "/posts/{post_id}", {}, 1),
        ("GET", "/users", {}, 1),
        ("POST", "/auth/login", {"json": {"email": "user@example.com", "password": PASSWORD}}, 1),
        ("GET", "/health/live", {}, 0),
        ("GET", "/health/ready", {}, 0),
    ],
)
def test_a_request_takes_one_trip_and_a_health_check_none(
    admin_client: Client,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    options: dict[str, Any],
    hops: int,
) -> None:
    path = path.format(post_id=PostFactory(author=user).id)
    journal = Journal()
    monkeypatch.setattr(to_thread, "run_sync", journal.run_sync)
    assert admin_client.request(method, path, **options).is_success
    assert journal.hops == [None] * hops
