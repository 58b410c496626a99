"""Mailed tokens that are used while something else happens to their owner, through the real engine and with real commits."""

from collections.abc import Callable

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from app.auth import one_time_tokens, sessions
from app.auth.passwords import hash_password, verify_password
from app.database import SessionLocal
from app.models import OneTimeToken, Purpose, Role, User
from app.settings import Settings
from app.users import service as users
from tests.committed import add_one_time_token, add_session, add_users
from tests.factories import PASSWORD
from tests.meeting import Interruption, Meeting, Overtaking, Pursuit, at_once, refused, statuses

USER = "user@example.com"
NEW, CHANGED = "Password2", "Password3"
INVALID = {"detail": one_time_tokens.INVALID}
Act = Callable[[TestClient, dict[str, str]], Response]


@pytest.fixture
def headers(server: TestClient, settings: Settings) -> dict[str, str]:
    """How the user is known whose tokens these are."""
    return add_users(settings, USER)[0]


@pytest.fixture
def token(headers: dict[str, str], settings: Settings) -> str:
    return add_one_time_token(settings, USER, Purpose.PASSWORD_RESET)


@pytest.fixture
def verification(headers: dict[str, str], settings: Settings) -> str:
    return add_one_time_token(settings, USER, Purpose.EMAIL_VERIFICATION)


def reset(server: TestClient, token: str, password: str = NEW) -> Response:
    return server.post("/auth/password/reset", json={"token": token, "password": password})


def verify(server: TestClient, token: str) -> Response:
    return server.post("/auth/email/verify", json={"token": token})


def change_password(server: TestClient, headers: dict[str, str]) -> Response:
    change = {"current_password": PASSWORD, "new_password": CHANGED}
    return server.put("/users/me/password", json=change, headers=headers)


def change_address(server: TestClient, headers: dict[str, str]) -> Response:
    return server.patch("/users/me", json={"email": "new@example.com"}, headers=headers)


def end_sessions(server: TestClient, headers: dict[str, str]) -> Response:
    return server.delete("/auth/sessions", headers=headers)


def leave(server: TestClient, headers: dict[str, str]) -> Response:
    return server.delete("/users/me", headers=headers)


def owner() -> User:
    with SessionLocal() as db:
        return db.scalars(select(User)).one()


def has(password: str) -> bool:
    return verify_password(password, owner().password_hash)[0]


class TestTwoAtOnce:
    """Both have read what they are about to use before either does."""

    def test_one_of_two_resets_with_a_token_is_refused(
        self, server: TestClient, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sessions, "lock_owner", Meeting(2).before(sessions.lock_owner))
        passwords = (NEW, CHANGED)
        responses = at_once(*(lambda password=password: reset(server, token, password) for password in passwords))
        assert statuses(responses) == [204, 400]
        assert refused(responses) == INVALID
        assert [has(password) for password in passwords] == [response.is_success for response in responses]
        assert owner().token_version == 1

    def test_one_of_two_resets_with_two_tokens_is_refused(
        self, server: TestClient, settings: Settings, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        second = add_one_time_token(settings, USER, Purpose.PASSWORD_RESET)
        monkeypatch.setattr(sessions, "lock_owner", Meeting(2).before(sessions.lock_owner))
        responses = at_once(lambda: reset(server, token, NEW), lambda: reset(server, second, CHANGED))
        assert statuses(responses) == [204, 400]
        assert [has(NEW), has(CHANGED)] == [response.is_success for response in responses]

    def test_one_of_two_verifications_with_a_token_is_refused(
        self, server: TestClient, verification: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sessions, "lock_owner", Meeting(2).before(sessions.lock_owner))
        responses = at_once(*[lambda: verify(server, verification)] * 2)
        assert statuses(responses) == [204, 400]
        assert refused(responses) == INVALID
        with SessionLocal() as db:
            assert db.scalars(select(OneTimeToken)).all() == []


class TestReset:
    def test_a_session_that_is_being_renewed_does_not_survive_it(
        self, server: TestClient, settings: Settings, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refresh_token = add_session(settings, USER)
        renewal = Pursuit(lambda: server.post("/auth/refresh", json={"refresh_token": refresh_token}))
        monkeypatch.setattr(one_time_tokens, "redeem", renewal.after(one_time_tokens.redeem))
        with renewal.watched():
            assert reset(server, token).status_code == 204
        assert renewal.response.status_code in {200, 401}
        pair = renewal.response.json()
        left = {"refresh_token": pair.get("refresh_token", refresh_token)}
        assert server.post("/auth/refresh", json=left).status_code == 401
        access = {"Authorization": f"Bearer {pair.get('access_token')}"}
        assert server.get("/users/me", headers=access).status_code == 401

    def test_a_change_of_the_password_that_ends_after_it_is_refused(
        self, server: TestClient, headers: dict[str, str], token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meanwhile = Interruption(lambda: reset(server, token))
        monkeypatch.setattr(users, "hash_password", meanwhile.before(hash_password))
        assert change_password(server, headers).status_code == 401
        assert (meanwhile.response.status_code, has(NEW)) == (204, True)

    @pytest.mark.parametrize("change", [change_password, change_address, end_sessions, leave])
    def test_it_is_refused_after_what_has_ended_its_token_since_it_was_read(
        self,
        server: TestClient,
        headers: dict[str, str],
        token: str,
        monkeypatch: pytest.MonkeyPatch,
        change: Act,
    ) -> None:
        meanwhile = Interruption(lambda: change(server, headers))
        monkeypatch.setattr(sessions, "lock_owner", meanwhile.before(sessions.lock_owner))
        response = reset(server, token)
        assert (response.status_code, response.json()) == (400, INVALID)
        assert meanwhile.response.is_success
        assert change is leave or not has(NEW)


class TestOvertaken:
    """The other request begins when the owner is known, and comes first where the engine locks no rows."""

    @pytest.mark.parametrize("change", [change_password, change_address, end_sessions])
    def test_either_comes_first_as_a_whole(
        self,
        server: TestClient,
        headers: dict[str, str],
        token: str,
        monkeypatch: pytest.MonkeyPatch,
        change: Act,
    ) -> None:
        other = Overtaking(lambda: change(server, headers))
        monkeypatch.setattr(sessions, "lock_owner", other.after(sessions.lock_owner))
        with other.watched():
            response = reset(server, token)
        # The reset has no say about the address, but ends what the others go by.
        outcomes = {(400, 200), (204, 200)} if change is change_address else {(400, 204), (204, 401)}
        assert (response.status_code, other.response.status_code) in outcomes
        assert has(NEW) == (response.status_code == 204)
        if change is change_address:
            assert owner().email_verified_at is None

    def test_who_is_deactivated_has_not_set_a_password_since(
        self, server: TestClient, settings: Settings, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (admin,) = add_users(settings, "admin@example.com", role=Role.ADMIN)
        with SessionLocal() as db:
            path = f"/users/{db.scalars(select(User.id).where(User.email == USER)).one()}"
        deactivation = Overtaking(lambda: server.patch(path, json={"is_active": False}, headers=admin))
        monkeypatch.setattr(sessions, "lock_owner", deactivation.after(sessions.lock_owner))
        with deactivation.watched():
            assert reset(server, token).status_code in {204, 400}
        assert deactivation.response.status_code == 200
        assert server.post("/auth/login", json={"email": USER, "password": NEW}).status_code == 401
