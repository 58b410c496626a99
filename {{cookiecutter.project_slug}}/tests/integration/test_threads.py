"""Each request takes one trip to the thread pool: to that of the hashing where it hashes, else to the common one."""

from typing import Any

import pytest
from anyio import to_thread
from sqlalchemy.orm import Session

from app.api.routing import HashingRoute
from app.auth import one_time_tokens, sessions
from app.models import Purpose, Role, User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.unit.journal import Journal

CREDENTIALS = {"email": "user@example.com", "password": PASSWORD}
NEWCOMER = {"email": "new@example.com", "name": "New", "password": PASSWORD}


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    journal = Journal()
    monkeypatch.setattr(to_thread, "run_sync", journal.run_sync)
    return journal


@pytest.fixture
def names(db: Session, user: User, settings: Settings) -> dict[str, object]:
    token = sessions.add_token(db, user, "family", settings)
    mailed = {purpose.value: one_time_tokens.issue(db, user, purpose, settings) for purpose in Purpose}
    return {"user_id": user.id, "post_id": PostFactory(author=user).id, "token": token, **mailed}


class TestTrips:
    @pytest.mark.parametrize(
        ("method", "path", "options"),
        [
            ("POST", "/auth/register", {"json": NEWCOMER}),
            ("POST", "/auth/login", {"json": CREDENTIALS}),
            ("POST", "/auth/token", {"data": {"username": "user@example.com", "password": PASSWORD}}),
            ("PUT", "/users/me/password", {"json": {"current_password": PASSWORD, "new_password": "Password2"}}),
            ("POST", "/users", {"json": NEWCOMER}),
            ("POST", "/auth/password/reset", {"json": {"token": "{password_reset}", "password": "Password2"}}),
        ],
    )
    def test_a_route_that_hashes_waits_for_its_turn_to_hash(
        self,
        admin_client: Client,
        names: dict[str, object],
        journal: Journal,
        method: str,
        path: str,
        options: dict[str, Any],
    ) -> None:
        options = {kind: {name: text.format(**names) for name, text in sent.items()} for kind, sent in options.items()}
        assert admin_client.request(method, path, **options).is_success
        # What is left to do after the answer, such as a mail, has threads of its own.
        first, *others = journal.hops
        assert first is HashingRoute.limiter
        assert None not in others
        assert HashingRoute.limiter not in others

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/auth/refresh", {"refresh_token": "{token}"}),
            ("POST", "/auth/logout", {"refresh_token": "{token}"}),
            ("GET", "/auth/sessions", None),
            ("DELETE", "/auth/sessions", None),
            ("POST", "/auth/email/verify", {"token": "{email_verification}"}),
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
        ],
    )
    def test_any_other_goes_to_the_common_pool_once(
        self,
        admin_client: Client,
        names: dict[str, object],
        journal: Journal,
        method: str,
        path: str,
        body: dict[str, str] | None,
    ) -> None:
        # The last admin could not leave.
        UserFactory(role=Role.ADMIN)
        sent = body and {name: text.format(**names) for name, text in body.items()}
        assert admin_client.request(method, path.format(**names), json=sent).is_success
        assert journal.hops == [None]

    @pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
    def test_who_asks_whether_all_is_well_waits_for_none_of_these_threads(
        self, anon_client: Client, journal: Journal, path: str
    ) -> None:
        assert anon_client.get(path).status_code == 200
        assert journal.hops == []
