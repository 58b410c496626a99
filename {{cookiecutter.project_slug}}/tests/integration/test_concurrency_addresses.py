"""Addresses that change, and users who leave, while mail is about them: through the real engine and with real commits."""

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from app.auth import accounts, one_time_tokens, sessions
from app.database import SessionLocal
from app.models import OneTimeToken, Purpose, User
from app.settings import Settings
from tests.committed import add_one_time_token, add_users
from tests.meeting import Interruption, Overtaking

USER = "user@example.com"
PATHS = {Purpose.PASSWORD_RESET: "/auth/password/reset", Purpose.EMAIL_VERIFICATION: "/auth/email/verify"}


@pytest.fixture
def headers(server: TestClient, settings: Settings) -> dict[str, str]:
    """How the user is known whose address it is."""
    return add_users(settings, USER)[0]


@pytest.fixture(params=Purpose)
def path(request: pytest.FixtureRequest) -> str:
    """Where a mailed token is used."""
    return PATHS[request.param]


@pytest.fixture
def token(headers: dict[str, str], settings: Settings, path: str) -> str:
    (purpose,) = [purpose for purpose in PATHS if PATHS[purpose] == path]
    return add_one_time_token(settings, USER, purpose)


def use(server: TestClient, path: str, token: str) -> Response:
    return server.post(path, json={"token": token, "password": "Password2"})


def change_address(server: TestClient, headers: dict[str, str]) -> Response:
    return server.patch("/users/me", json={"email": "new@example.com"}, headers=headers)


def leave(server: TestClient, headers: dict[str, str]) -> Response:
    return server.delete("/users/me", headers=headers)


def verified_at() -> object:
    with SessionLocal() as db:
        return db.scalars(select(User.email_verified_at)).one()


class TestNewAddress:
    def test_it_is_not_verified_by_what_showed_that_the_former_is_had_while_it_was_set(
        self, server: TestClient, headers: dict[str, str], path: str, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meanwhile = Interruption(lambda: use(server, path, token))
        monkeypatch.setattr(accounts, "flush_email", meanwhile.before(accounts.flush_email))
        changed = change_address(server, headers)
        assert (changed.status_code, changed.json()["email_verified_at"]) == (200, None)
        assert (meanwhile.response.status_code, verified_at()) == (204, None)

    def test_it_is_not_verified_by_a_token_of_the_former_that_is_being_used(
        self, server: TestClient, headers: dict[str, str], path: str, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change = Overtaking(lambda: change_address(server, headers))
        monkeypatch.setattr(sessions, "lock_owner", change.after(sessions.lock_owner))
        with change.watched():
            assert use(server, path, token).status_code in {204, 400}
        assert (change.response.status_code, verified_at()) == (200, None)


class TestDeletedMeanwhile:
    @pytest.mark.parametrize("path", ["email/verify/resend", "password/forgot"])
    def test_who_asks_for_mail_is_answered_as_ever(
        self, server: TestClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        deleted = Interruption(lambda: leave(server, headers))
        monkeypatch.setattr(one_time_tokens, "issue", deleted.before(one_time_tokens.issue))
        assert server.post(f"/auth/{path}", headers=headers, json={"email": USER}).status_code == 202
        assert deleted.response.status_code == 204
        with SessionLocal() as db:
            assert db.scalars(select(OneTimeToken)).all() == []
