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


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@everywhere
class TestKnown:
    def test_it_is_refused_and_nothing_is_written(
        self,
        admin_client: Client,
        db: Session,
        admin: User,
        range_service: RangeServer,
        send: Send,
        field: str,
        success: int,
    ) -> None:
        range_service.breached = {BREACHED: 1}
        response = send(admin_client)
        problem = {
            "type": "value_error",
            "loc": ["body", field],
            "msg": "the password is known from a data breach",
        }
        assert (response.status_code, response.json()) == (422, {"detail": [problem]})
        assert users(db) == [admin]
        assert verify_password(PASSWORD, admin.password_hash) == (True, None)
        assert admin.token_version == 0

    def test_another_is_taken_after_the_service_was_asked_once(
        self, admin_client: Client, db: Session, range_service: RangeServer, send: Send, field: str, success: int
    ) -> None:
        assert send(admin_client).status_code == success
        assert range_service.paths == [f"/range/{sha1(BREACHED)[:5]}"]
        assert verify_password(BREACHED, users(db)[-1].password_hash) == (True, None)

    def test_nobody_is_asked_unless_the_settings_say_whom(
        self,
        admin_client: Client,
        range_service: RangeServer,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        send: Send,
        field: str,
        success: int,
    ) -> None:
        range_service.breached = {BREACHED: 1}
        monkeypatch.setattr(breaches, "get_settings", lambda: settings)
        assert send(admin_client).status_code == success
        assert (range_service.asked, range_service.connections) == ([], 0)


@everywhere
class TestNobodySays:
    @pytest.mark.parametrize("bad", [Answer(500), Answer(0), Answer(403), Answer(200, b"<html>")])
    def test_the_password_is_taken_and_one_line_tells_of_it(
        self,
        admin_client: Client,
        db: Session,
        range_service: RangeServer,
        caplog: pytest.LogCaptureFixture,
        bad: Answer,
        send: Send,
        field: str,
        success: int,
    ) -> None:
        range_service.breached = {BREACHED: 1}
        range_service.first = [bad] * 3
        assert send(admin_client).status_code == success
        assert verify_password(BREACHED, users(db)[-1].password_hash) == (True, None)
        (line,) = warnings(caplog)
        assert line.startswith("For 30 seconds, no password is looked up among the breached: ")
        for secret in (BREACHED, sha1(BREACHED)[:5], sha1(BREACHED)[5:]):
            assert secret.lower() not in caplog.text.lower()

    def test_no_answer_does_not_keep_the_request(
        self,
        admin_client: Client,
        range_service: RangeServer,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        send: Send,
        field: str,
        success: int,
    ) -> None:
        monkeypatch.setattr(breaches, "TIMEOUT_SECONDS", 0.05)
        range_service.silent = True
        assert send(admin_client).status_code == success
        assert len(warnings(caplog)) == 1


class TestPause:
    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """A clock that goes when the test sets it."""
        clock = [1000.0]
        monkeypatch.setattr(breaches, "monotonic", lambda: clock[0])
        return clock

    def test_a_service_that_failed_is_left_alone_for_a_while(
        self, anon_client: Client, range_service: RangeServer, caplog: pytest.LogCaptureFixture, clock: list[float]
    ) -> None:
        range_service.breached = {BREACHED: 1}
        range_service.first = [Answer(404)]
        answers: list[int] = []
        for time in (1000.0, 1000.0, 1029.9, 1030.0):
            clock[0] = time
            answers.append(register(anon_client, email=f"at{len(answers)}@example.com").status_code)
        assert answers == [201, 201, 201, 422]
        assert (len(range_service.asked), len(warnings(caplog))) == (2, 1)

    def test_one_that_says_no_is_not(self, range_service: RangeServer, clock: list[float]) -> None:
        for _ in range(2):
            refuse_breached(PASSWORD)
        assert len(range_service.asked) == 2


class TestRefusedAnyway:
    @pytest.fixture(autouse=True)
    def unasked(self, range_service: RangeServer) -> Iterator[None]:
        """Check after each test that the service was not asked."""
        yield
        assert range_service.connections == 0

    @pytest.mark.parametrize("fields", [{"email": "nobody"}, {"password": "short"}, {"password": "new@example.com"}])
    def test_bad_input(self, anon_client: Client, admin_client: Client, fields: dict[str, str]) -> None:
        assert register(anon_client, **fields).status_code == 422
        assert add(admin_client, **fields).status_code == 422

    def test_somebody_who_may_not_add_users(self, anon_client: Client, client: Client) -> None:
        assert add(anon_client).status_code == 401
        assert add(client).status_code == 403

    def test_a_wrong_current_password(self, client: Client) -> None:
        assert change(client, current_password="Password2").status_code == 403

    def test_the_address_as_password(self, client: Client) -> None:
        assert change(client, new_password="user@example.com").status_code == 422

    def test_a_login(self, anon_client: Client, user: User) -> None:
        credentials = {"email": user.email, "password": PASSWORD}
        assert anon_client.post("/auth/login", json=credentials).status_code == 200


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

    def test_who_is_refused_takes_none_at_all(
        self, anon_client: Client, range_service: RangeServer, events: list[str]
    ) -> None:
        range_service.breached = {BREACHED: 1}
        assert register(anon_client).status_code == 422
        assert events == ["asked"]

    @pytest.mark.parametrize("send", [add, change])
    def test_of_who_is_logged_in_nothing_but_their_row_was_read_before(
        self, admin_client: Client, events: list[str], send: Send
    ) -> None:
        assert send(admin_client).is_success
        before = events[: events.index("asked")]
        assert [one for one in before if one != "SAVEPOINT"] == ["SELECT"]
        assert events[events.index("asked") + 1] == "hashed"


class TestField:
    @pytest.mark.parametrize("field", ["password", "new_password"])
    def test_the_refusal_names_it(self, range_service: RangeServer, field: str) -> None:
        range_service.breached = {BREACHED: 1}
        with pytest.raises(RequestValidationError) as refused:
            refuse_breached(BREACHED, field)
        assert refused.value.errors()[0]["loc"] == ("body", field)
