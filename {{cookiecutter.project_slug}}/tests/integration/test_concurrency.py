"""Requests at the same time, through the real engine and with real commits: what one transaction a test cannot show."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from anyio import to_thread
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app import dependencies
from app.auth import service, sessions
from app.auth.tokens import hash_refresh_token, issue_access_token
from app.database import SessionLocal, engine
from app.models import Post, RefreshToken, User
from app.posts import service as posts
from app.routing import HASHING_THREADS, HashingRoute
from app.settings import Settings
from app.users import service as users
from tests.conftest import delete_all_rows
from tests.meeting import Meeting, at_once


@pytest.fixture
def server(schema: None, running: TestClient) -> Iterator[TestClient]:
    """The application on the real engine; what it commits is deleted after the test."""
    try:
        yield running
    finally:
        delete_all_rows()


def add_users(settings: Settings, *emails: str) -> list[dict[str, str]]:
    """Commit users, and return the headers by which each is known."""
    with SessionLocal.begin() as session:
        added = [User(email=email, name="Name", password_hash="-") for email in emails]
        session.add_all(added)
        session.flush()
        return [{"Authorization": f"Bearer {issue_access_token(user, settings)}"} for user in added]


def add_session(settings: Settings) -> str:
    """Commit a user and a session, and return its refresh token."""
    add_users(settings, "user@example.com")
    with SessionLocal.begin() as db:
        return sessions.add_token(db, db.scalars(select(User.id)).one(), "family", settings)


def statuses(responses: list[Response]) -> list[int]:
    return sorted(response.status_code for response in responses)


def refused(responses: list[Response]) -> Any:
    (body,) = [response.json() for response in responses if response.is_error]
    return body


class TestTwoAtOnce:
    """Both are about to write before either does, and nothing is in their way yet."""

    def test_one_of_two_registrations_of_an_address_is_refused(
        self, server: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(users, "flush_email", Meeting(2).before(users.flush_email))

        def register(name: str) -> Response:
            body = {"email": "new@example.com", "name": name, "password": "Password1"}
            return server.post("/auth/register", json=body)

        responses = at_once(lambda: register("First"), lambda: register("Second"))
        assert statuses(responses) == [201, 409]
        assert refused(responses) == {"detail": users.EMAIL_TAKEN}
        (winner,) = [response.json() for response in responses if response.is_success]
        with Session(engine) as db:
            assert db.execute(select(User.id, User.name)).all() == [(winner["id"], winner["name"])]

    def test_one_of_two_changes_to_an_address_is_refused(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = add_users(settings, "first@example.com", "second@example.com")
        monkeypatch.setattr(users, "flush_email", Meeting(2).before(users.flush_email))
        body = {"email": "new@example.com"}
        responses = at_once(
            lambda: server.patch("/users/me", json=body, headers=first),
            lambda: server.patch("/users/me", json=body, headers=second),
        )
        assert statuses(responses) == [200, 409]
        assert refused(responses) == {"detail": users.EMAIL_TAKEN}
        with Session(engine) as db:
            assert len(db.scalars(select(User).where(User.email == "new@example.com")).all()) == 1

    def test_one_of_two_posts_with_a_slug_is_refused(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = add_users(settings, "first@example.com", "second@example.com")
        monkeypatch.setattr(posts, "flush_slug", Meeting(2).before(posts.flush_slug))
        body = {"title": "Title", "body": "Body", "slug": "slug"}
        responses = at_once(
            lambda: server.post("/posts", json=body, headers=first),
            lambda: server.post("/posts", json=body, headers=second),
        )
        assert statuses(responses) == [201, 409]
        assert refused(responses) == {"detail": posts.SLUG_TAKEN}
        with Session(engine) as db:
            assert db.scalars(select(Post.slug)).all() == ["slug"]

    def test_one_of_two_refreshes_with_a_token_is_refused(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = add_session(settings)
        monkeypatch.setattr(sessions, "find", Meeting(2).around(sessions.find))

        def refresh() -> Response:
            return server.post("/auth/refresh", json={"refresh_token": token})

        responses = at_once(refresh, refresh)
        assert statuses(responses) == [200, 401]
        assert refused(responses) == {"detail": sessions.INVALID}
        (newer,) = [response.json()["refresh_token"] for response in responses if response.is_success]
        with Session(engine) as db:
            rows = {row.token_hash: row for row in db.scalars(select(RefreshToken))}
        assert set(rows) == {hash_refresh_token(token), hash_refresh_token(newer)}
        assert rows[hash_refresh_token(token)].spent_at is not None
        assert rows[hash_refresh_token(newer)].spent_at is None
        # A client that sends twice by mistake is no thief.
        assert {row.revoked_at for row in rows.values()} == {None}


class TestSessionsForGood:
    def test_a_session_that_ends_while_it_is_refreshed_stays_ended(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = add_session(settings)
        find = sessions.find

        def find_just_before_a_logout(db: Session, text: str) -> RefreshToken | None:
            found = find(db, text)
            with SessionLocal.begin() as elsewhere:
                sessions.end_family(elsewhere, "family")
            return found

        monkeypatch.setattr(sessions, "find", find_just_before_a_logout)
        assert server.post("/auth/refresh", json={"refresh_token": token}).status_code == 401
        with Session(engine) as db:
            (row,) = db.scalars(select(RefreshToken))
        assert (row.spent_at, row.revoked_at is None) == (None, False)

    def test_the_refusal_of_a_spent_token_commits_the_end_of_its_session(
        self, server: TestClient, settings: Settings
    ) -> None:
        token = add_session(settings)
        newer = server.post("/auth/refresh", json={"refresh_token": token}).json()["refresh_token"]
        assert server.post("/auth/refresh", json={"refresh_token": token}).status_code == 401
        assert server.post("/auth/refresh", json={"refresh_token": newer}).status_code == 401
        with Session(engine) as db:
            assert None not in db.scalars(select(RefreshToken.revoked_at)).all()


class TestManyAtOnce:
    def test_clients_beyond_the_threads_wait_their_turn(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (headers,) = add_users(settings, "user@example.com")
        # Each round holds as many connections as there are threads; five rounds serve everybody.
        meeting = Meeting(settings.request_threads)
        monkeypatch.setattr(dependencies, "load_user", meeting.around(dependencies.load_user))
        reads = [lambda: server.get("/users/me", headers=headers)] * (5 * settings.request_threads)
        assert statuses(at_once(*reads)) == [200] * len(reads)
        assert meeting.most == settings.request_threads

    def test_passwords_are_hashed_a_few_at_a_time(self, server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        meeting = Meeting(HASHING_THREADS)
        monkeypatch.setattr(service, "verify_password", meeting.around(lambda *_: (False, None)))
        body = {"email": "nobody@example.com", "password": "Password1"}
        logins = [lambda: server.post("/auth/login", json=body)] * (4 * HASHING_THREADS)
        assert statuses(at_once(*logins)) == [401] * len(logins)
        assert meeting.most == HashingRoute.limiter.total_tokens == HASHING_THREADS

    def test_there_is_a_connection_for_every_thread(self, server: TestClient, settings: Settings) -> None:
        with ExitStack() as connections:
            for _ in range(settings.request_threads + HASHING_THREADS):
                connections.enter_context(engine.connect())
        assert server.portal is not None
        limiter = server.portal.call(to_thread.current_default_thread_limiter)
        assert limiter.total_tokens == settings.request_threads
