"""`GET /health/live` and `GET /health/ready`."""

import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from app.database import SessionLocal, engine
from app.models import User
from tests.client import Client
from tests.factories import PostFactory

NOWHERE = "/no/such/folder/or/database_test"


@pytest.fixture
def database_down(db: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Send the application's sessions, and not the test's, to a database that cannot be reached."""
    unreachable = create_engine(engine.url.set(database=NOWHERE))
    with pytest.raises(OperationalError):
        unreachable.connect()
    monkeypatch.setitem(SessionLocal.kw, "bind", unreachable)
    yield
    unreachable.dispose()


class TestLive:
    def test_it_answers(self, anon_client: Client) -> None:
        response = anon_client.get("/health/live")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})

    def test_it_answers_without_a_database(self, anon_client: Client, database_down: None) -> None:
        response = anon_client.get("/health/live")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


class TestReady:
    def test_it_answers_when_the_database_does(self, anon_client: Client, caplog: pytest.LogCaptureFixture) -> None:
        response = anon_client.get("/health/ready")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        assert caplog.records == []

    def test_it_names_the_database_when_that_is_down(
        self, anon_client: Client, database_down: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = anon_client.get("/health/ready")
        assert response.status_code == 503
        assert response.json() == {"detail": "Not ready: the database does not answer"}
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("app.health", logging.WARNING)
        assert record.getMessage().startswith("The database does not answer: ")

    def test_the_client_learns_nothing_of_where_it_is(self, anon_client: Client, database_down: None) -> None:
        assert "folder" not in anon_client.get("/health/ready").text

    def test_it_is_ready_again_when_the_database_is_back(
        self, anon_client: Client, monkeypatch: pytest.MonkeyPatch, database_down: None
    ) -> None:
        assert anon_client.get("/health/ready").status_code == 503
        monkeypatch.undo()
        assert anon_client.get("/health/ready").status_code == 200

    def test_it_holds_no_connection_afterwards(self, anon_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(SessionLocal.kw, "bind", engine)
        assert isinstance(engine.pool, QueuePool)
        held = engine.pool.checkedout()
        assert anon_client.get("/health/ready").status_code == 200
        assert engine.pool.checkedout() == held

    @pytest.mark.parametrize("token", ["forged", ""])
    def test_a_bad_token_makes_no_difference(self, anon_client: Client, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        for path in ("/health/live", "/health/ready"):
            assert anon_client.get(path, headers=headers).status_code == 200


def test_the_other_routes_fail_loudly_while_the_database_is_down(
    client: Client, user: User, database_down: None
) -> None:
    post = PostFactory(author=user)
    with pytest.raises(OperationalError):
        client.get(f"/posts/{post.id}")
