"""What a request is answered while SQLite's file is locked by another, or has no room left."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Engine, event, select
from starlette.testclient import TestClient

from app.database import ReadSession, SessionLocal, make_engine
from app.models import User
from app.settings import Settings
from tests.committed import add_users

POST = {"title": "New", "body": "New " * 2000, "slug": "new"}


@pytest.fixture
def author(server: TestClient, settings: Settings) -> dict[str, str]:
    (headers,) = add_users(settings, "author@example.com")
    return headers


@pytest.fixture
def impatient(author: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine of the application's sessions, which does not wait for locks."""
    impatient = make_engine(settings.model_copy(update={"database_url": f"{settings.database_url}?timeout=0"}))
    monkeypatch.setitem(SessionLocal.kw, "bind", impatient)
    yield impatient
    impatient.dispose()


def test_a_write_that_waits_too_long_for_another_is_a_503(
    server: TestClient, author: dict[str, str], impatient: Engine
) -> None:
    with closing(impatient.raw_connection()) as other:
        other.cursor().execute("BEGIN IMMEDIATE")
        assert server.get("/posts").status_code == 200
        assert server.post("/posts", headers=author, json=POST).status_code == 503
    assert server.post("/posts", headers=author, json=POST).status_code == 201


def test_a_full_disk_is_a_503(server: TestClient, author: dict[str, str], impatient: Engine) -> None:
    @event.listens_for(impatient, "checkout")
    def leave_no_room(connection: object, *_: object) -> None:
        assert isinstance(connection, sqlite3.Connection)
        # Pages that were freed before would be room.
        connection.execute("VACUUM")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    assert server.post("/posts", headers=author, json=POST).status_code == 503
    assert server.get("/posts").json()["total"] == 0


def test_a_write_still_takes_the_lock_at_once_on_a_connection_that_was_read_over(schema: None) -> None:
    with ReadSession(**SessionLocal.kw) as db:
        used = db.connection().connection.driver_connection
        db.scalars(select(User)).all()
    assert isinstance(used, sqlite3.Connection)
    assert used.isolation_level == "IMMEDIATE"
