"""Each request takes one trip to the thread pool: to that of the hashing where it hashes, else to the common one."""

from typing import Any

import pytest
from anyio import to_thread

from app.models import User
from app.routing import HashingRoute
from tests.client import Client
from tests.factories import PASSWORD, PostFactory
from tests.unit.journal import Journal

CREDENTIALS = {"email": "user@example.com", "password": PASSWORD}
NEWCOMER = {"email": "new@example.com", "name": "New", "password": PASSWORD}


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    journal = Journal()
    monkeypatch.setattr(to_thread, "run_sync", journal.run_sync)
    return journal


@pytest.fixture
def ids(user: User) -> dict[str, int]:
    return {"user_id": user.id, "post_id": PostFactory(author=user).id}


class TestTrips:
    @pytest.mark.parametrize(
        ("method", "path", "options"),
        [
            ("POST", "/auth/register", {"json": NEWCOMER}),
            ("POST", "/auth/login", {"json": CREDENTIALS}),
            ("POST", "/auth/token", {"data": {"username": "user@example.com", "password": PASSWORD}}),
            ("PUT", "/users/me/password", {"json": {"current_password": PASSWORD, "new_password": "Password2"}}),
            ("POST", "/users", {"json": NEWCOMER}),
        ],
    )
    def test_a_route_that_hashes_waits_for_its_turn_to_hash(
        self, admin_client: Client, user: User, journal: Journal, method: str, path: str, options: dict[str, Any]
    ) -> None:
        assert admin_client.request(method, path, **options).is_success
        assert journal.hops == [HashingRoute.limiter]
        assert None not in journal.hops

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/auth/refresh", {"refresh_token": "unknown"}),
            ("POST", "/auth/logout", {"refresh_token": "unknown"}),
            ("GET", "/users/me", None),
            ("PATCH", "/users/me", {"name": "New"}),
            ("DELETE", "/users/me", None),
            ("GET", "/users", None),
            ("GET", "/users/{user_id}", None),
            ("PATCH", "/users/{user_id}", {"name": "New"}),
            ("DELETE", "/users/{user_id}", None),
            ("GET", "/users/{user_id}/posts", None),
            ("GET", "/posts", None),
            ("POST", "/posts", {"title": "New", "body": "New", "slug": "new"}),
            ("GET", "/posts/{post_id}", None),
            ("PATCH", "/posts/{post_id}", {"title": "New"}),
            ("DELETE", "/posts/{post_id}", None),
            ("GET", "/health/ready", None),
        ],
    )
    def test_any_other_goes_to_the_common_pool_once(
        self, admin_client: Client, ids: dict[str, int], journal: Journal, method: str, path: str, body: Any
    ) -> None:
        admin_client.request(method, path.format(**ids), json=body)
        assert journal.hops == [None]

    def test_the_process_answers_for_itself_without_a_thread(self, anon_client: Client, journal: Journal) -> None:
        assert anon_client.get("/health/live").status_code == 200
        assert journal.hops == []
