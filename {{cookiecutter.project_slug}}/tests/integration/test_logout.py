"""`POST /auth/logout`: ends the session that the token belongs to, and says nothing."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import sessions
from app.auth.tokens import hash_opaque_token
from app.models import RefreshToken, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client


@pytest.fixture
def token(db: Session, user: User, settings: Settings) -> str:
    return sessions.add_token(db, user, "family", settings)


def row(db: Session, text: str) -> RefreshToken:
    return db.scalars(select(RefreshToken).where(RefreshToken.token_hash == hash_opaque_token(text))).one()


def log_out(client: Client, token: str) -> None:
    response = client.post("/auth/logout", json={"refresh_token": token})
    assert (response.status_code, response.content) == (204, b"")


class TestLogOut:
    def test_the_session_ends(self, anon_client: Client, db: Session, token: str) -> None:
        before = now()
        log_out(anon_client, token)
        revoked_at = row(db, token).revoked_at
        assert revoked_at is not None
        assert before <= revoked_at <= now()
        assert row(db, token).spent_at is None
        assert anon_client.post("/auth/refresh", json={"refresh_token": token}).status_code == 401

    def test_every_token_of_the_session_is_revoked(
        self, anon_client: Client, db: Session, user: User, settings: Settings, token: str
    ) -> None:
        newer = sessions.add_token(db, user, "family", settings)
        log_out(anon_client, token)
        assert row(db, newer).revoked_at is not None
        assert anon_client.post("/auth/refresh", json={"refresh_token": newer}).status_code == 401

    def test_other_sessions_go_on(
        self, client: Client, db: Session, user: User, other_user: User, settings: Settings, token: str
    ) -> None:
        others = [
            sessions.add_token(db, user, "second", settings),
            sessions.add_token(db, other_user, "third", settings),
        ]
        log_out(client, token)
        assert user.token_version == 0
        assert client.get("/users/me").status_code == 200
        for other in others:
            assert row(db, other).revoked_at is None
            assert client.post("/auth/refresh", json={"refresh_token": other}).status_code == 200

    def test_a_second_time_changes_nothing(self, anon_client: Client, db: Session, token: str) -> None:
        log_out(anon_client, token)
        first = row(db, token).revoked_at
        log_out(anon_client, token)
        assert row(db, token).revoked_at == first

    @pytest.mark.parametrize("column", ["spent_at", "expires_at"])
    def test_a_spent_or_expired_token_ends_its_session_too(
        self, anon_client: Client, db: Session, user: User, settings: Settings, token: str, column: str
    ) -> None:
        newer = sessions.add_token(db, user, "family", settings)
        setattr(row(db, token), column, now() - timedelta(seconds=1))
        log_out(anon_client, token)
        assert row(db, newer).revoked_at is not None

    def test_an_unknown_token_ends_nothing(self, anon_client: Client, db: Session, token: str) -> None:
        for unknown in ("unknown", "\0", token[:-1], row(db, token).token_hash, "x" * 1024):
            log_out(anon_client, unknown)
        assert row(db, token).revoked_at is None


@pytest.mark.parametrize("route", ["/auth/logout", "/auth/refresh"])
class TestBadInput:
    @pytest.mark.parametrize(
        "value", [None, 1, True, [], {}, "", "x" * 1025, "\ud800"], ids=lambda value: repr(value)[:9]
    )
    def test_what_can_be_no_token_is_refused(
        self, anon_client: Client, db: Session, token: str, route: str, value: object
    ) -> None:
        content = json.dumps({"refresh_token": value})
        response = anon_client.post(route, content=content, headers={"Content-Type": "application/json"})
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", "refresh_token"]]
        assert (row(db, token).revoked_at, row(db, token).spent_at) == (None, None)

    def test_a_body_without_a_token_is_refused(self, anon_client: Client, token: str, route: str) -> None:
        response = anon_client.post(route, json={"token": token})
        assert response.status_code == 422
        assert response.json() == {
            "detail": [{"type": "missing", "loc": ["body", "refresh_token"], "msg": "Field required"}]
        }
