"""Passwords that are known from a breach: where they are refused, and what happens where nobody can say."""

import logging
from collections.abc import Callable, Iterator
from threading import get_ident
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from httpx2 import Response
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.auth import accounts, breaches
from app.auth.breaches import refuse_breached
from app.auth.passwords import verify_password
from app.database import engine
from app.models import User
from app.settings import Settings
from app.users import service as users_service
from tests.client import Client
from tests.factories import PASSWORD
from tests.range_service import Answer, RangeServer, sha1

BREACHED = "Stolen-123"
NEWCOMER = {"email": "new@example.com", "name": "New", "password": BREACHED}
CHANGE = {"current_password": PASSWORD, "new_password": BREACHED}

Send = Callable[[Client], Response]


def register(client: Client, **fields: str) -> Response:
    return client.post("/auth/register", json=NEWCOMER | fields)


def add(client: Client, **fields: str) -> Response:
    return client.post("/users", json=NEWCOMER | fields)


def change(client: Client, **fields: str) -> Response:
    return client.put("/users/me/password", json=CHANGE | fields)


# Each sends a breached password in a field of this name, as an admin.
everywhere = pytest.mark.parametrize(
    ("send", "field", "success"),
    [(register, "password", 201), (add, "password", 201), (change, "new_password", 204)],
)


def users(db: Session) -> list[User]:
    return list(db.scalars(select(User).order_by(User.id)))


@everywhere
def test_a_known_password_is_refused_and_nothing_is_written(
    admin_client: Client, db: Session, admin: User, range_service: RangeServer, send: Send, field: str, success: int
) -> None:
    range_service.breached = {BREACHED: 1}
    response = send(admin_client)
    (problem,) = response.json()["detail"]
    assert (response.status_code, problem["loc"]) == (422, ["body", field])
    assert problem["msg"] == "the password is known from a data breach"
    assert users(db) == [admin]
    assert verify_password(PASSWORD, admin.password_hash) == (True, None)


@everywhere
@pytest.mark.parametrize("bad", [None, Answer(500), Answer(0), Answer(403), Answer(200, b"<html>")], ids=str)
def test_another_is_taken_and_one_too_where_nobody_says(
    admin_client: Client,
    db: Session,
    range_service: RangeServer,
    caplog: pytest.LogCaptureFixture,
    bad: Answer | None,
    send: Send,
    field: str,
    success: int,
) -> None:
    range_service.breached = {BREACHED: 1} if bad else {}
    range_service.first = [bad] * 3 if bad else []
    assert send(admin_client).status_code == success
    assert range_service.asked
    assert verify_password(BREACHED, users(db)[-1].password_hash) == (True, None)
    told = [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]
    assert [line[:39] for line in told] == ["For 30 seconds, no password is looked up"[:39]] * bool(bad)
    for secret in (BREACHED, sha1(BREACHED)[:5], sha1(BREACHED)[5:]):
        assert secret.lower() not in caplog.text.lower()


def test_after_a_failure_nobody_is_asked_for_a_while(
    range_service: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(breaches, "monotonic", lambda: clock[0])
    range_service.breached = {BREACHED: 1}
    range_service.first = [Answer(404)]
    for clock[0] in (1000.0, 1029.9):
        refuse_breached(BREACHED)
    assert len(range_service.asked) == 1
    clock[0] = 1030.0
    with pytest.raises(RequestValidationError):
        refuse_breached(BREACHED)


def test_nobody_is_asked_about_what_is_refused_anyway_or_unless_the_settings_say_whom(
    anon_client: Client,
    client: Client,
    admin_client: Client,
    range_service: RangeServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert register(anon_client, password="short").status_code == 422
    assert add(client).status_code == 403
    assert change(client, current_password="Password2").status_code == 403
    credentials = {"email": "user@example.com", "password": PASSWORD}
    assert anon_client.post("/auth/login", json=credentials).status_code == 200
    monkeypatch.setattr(breaches, "get_settings", lambda: settings)
    assert add(admin_client).status_code == 201
    assert range_service.asked == []


class TestOrder:
    @pytest.fixture
    def events(self, range_service: RangeServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        """The first word of each statement of the application, and the questions to the service among them."""
        events: list[str] = []
        test = get_ident()

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if get_ident() != test:
                events.append(statement.partition(" ")[0])

        def hash_noted(_password: str) -> str:
            events.append("hashed")
            return "a hash"

        for module in (accounts, users_service):
            monkeypatch.setattr(module, "hash_password", hash_noted)
        range_service.events = events
        event.listen(engine, "before_cursor_execute", note)
        yield events
        event.remove(engine, "before_cursor_execute", note)

    def test_a_newcomer_takes_no_connection_before(self, anon_client: Client, events: list[str]) -> None:
        assert register(anon_client).status_code == 201
        assert events[:2] == ["asked", "hashed"]
        assert next(one for one in events[2:] if one not in {"BEGIN", "SAVEPOINT"}) == "INSERT"

    @pytest.mark.parametrize("send", [add, change])
    def test_of_who_is_logged_in_nothing_but_their_row_was_read_before(
        self, admin_client: Client, events: list[str], send: Send
    ) -> None:
        assert send(admin_client).is_success
        before = events[: events.index("asked")]
        assert [one for one in before if one != "SAVEPOINT"] == ["SELECT"]
        assert events[events.index("asked") + 1] == "hashed"
