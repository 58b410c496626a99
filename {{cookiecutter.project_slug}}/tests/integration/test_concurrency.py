"""Requests at the same time, through the real engine and with real commits: what one transaction a test cannot show."""

import gc
from contextlib import ExitStack

import pytest
from anyio import to_thread
from fastapi import APIRouter
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.api.dependencies import HASHING_THREADS
from app.auth import accounts, dependencies, service
from app.auth.dependencies import OptionalUser
from app.database import SessionDep, engine
from app.database.commits import BACKGROUND_THREADS
from app.main import create_app
from app.models import Post, User
from app.posts import service as posts
from app.settings import Settings
from app.users.dependencies import EditableUser
from tests.committed import add_users
from tests.meeting import Meeting, at_once, refused, statuses


class TestTwoAtOnce:
    """Both are about to write before either does, and nothing is in their way yet."""

    def test_one_of_two_registrations_of_an_address_is_refused(
        self, server: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(accounts, "flush_email", Meeting(2).before(accounts.flush_email))

        def register(name: str) -> Response:
            body = {"email": "new@example.com", "name": name, "password": "Password1"}
            return server.post("/auth/register", json=body)

        responses = at_once(lambda: register("First"), lambda: register("Second"))
        assert statuses(responses) == [201, 409]
        assert refused(responses) == {"detail": accounts.EMAIL_TAKEN}
        (winner,) = [response.json() for response in responses if response.is_success]
        with Session(engine) as db:
            assert db.execute(select(User.id, User.name)).all() == [(winner["id"], winner["name"])]

    def test_one_of_two_changes_to_an_address_is_refused(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = add_users(settings, "first@example.com", "second@example.com")
        monkeypatch.setattr(accounts, "flush_email", Meeting(2).before(accounts.flush_email))
        body = {"email": "new@example.com"}
        responses = at_once(
            lambda: server.patch("/users/me", json=body, headers=first),
            lambda: server.patch("/users/me", json=body, headers=second),
        )
        assert statuses(responses) == [200, 409]
        assert refused(responses) == {"detail": accounts.EMAIL_TAKEN}
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


class TestManyAtOnce:
    def test_clients_beyond_the_threads_wait_their_turn(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (headers,) = add_users(settings, "user@example.com")
        # Each round holds as many connections as there are threads; five rounds serve everybody.
        threads = settings.request_threads + HASHING_THREADS
        meeting = Meeting(threads)
        monkeypatch.setattr(dependencies, "load_user", meeting.around(dependencies.load_user))
        reads = [lambda: server.get("/users/me", headers=headers)] * (5 * threads)
        assert statuses(at_once(*reads)) == [200] * len(reads)
        assert meeting.most == threads

    def test_clients_of_a_plain_route_wait_their_turn(self, server: TestClient, settings: Settings) -> None:
        (headers,) = add_users(settings, "user@example.com")
        plain = APIRouter()

        @plain.patch("/plain/{user_id}")
        def rename(user: EditableUser, viewer: OptionalUser, db: SessionDep) -> str:
            return db.scalars(select(User.name).where(User.id == user.id)).one()

        app = create_app(settings)
        app.include_router(plain)
        client = TestClient(app)
        client.portal = server.portal
        user_id = server.get("/users/me", headers=headers).json()["id"]
        requests = [lambda: client.patch(f"/plain/{user_id}", headers=headers)] * (10 * settings.request_threads)
        assert statuses(at_once(*requests)) == [200] * len(requests)

    def test_passwords_are_hashed_a_few_at_a_time(self, server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        meeting = Meeting(HASHING_THREADS)
        monkeypatch.setattr(service, "verify_password", meeting.around(lambda *_: (False, None)))
        body = {"email": "nobody@example.com", "password": "Password1"}
        logins = [lambda: server.post("/auth/login", json=body)] * (4 * HASHING_THREADS)
        assert statuses(at_once(*logins)) == [401] * len(logins)
        assert meeting.most == HASHING_THREADS == 2

    def test_there_is_a_connection_for_every_thread(self, server: TestClient, settings: Settings) -> None:
        with ExitStack() as connections:
            for _ in range(settings.request_threads + HASHING_THREADS + BACKGROUND_THREADS):
                connections.enter_context(engine.connect())
        assert server.portal is not None
        limiter = server.portal.call(to_thread.current_default_thread_limiter)
        assert limiter.total_tokens == settings.request_threads + HASHING_THREADS

    def test_garbage_collection_leaves_out_what_was_loaded_at_the_start(self, server: TestClient) -> None:
        # Large JSON is parsed on the event loop, and each collection of everything would hold all others up.
        assert gc.get_freeze_count() > 10_000
