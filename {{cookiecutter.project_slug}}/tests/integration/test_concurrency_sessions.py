"""Sessions that are refreshed and ended at the same time, through the real engine and with real commits."""

from collections.abc import Callable

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth import sessions
from app.auth.tokens import hash_opaque_token
from app.database import SessionLocal, engine
from app.models import RefreshToken
from app.settings import Settings
from tests.committed import FAMILY, add_session, add_users
from tests.factories import PASSWORD
from tests.meeting import Meeting, Pursuit, at_once, refused, statuses
from tests.rows import age_spent_tokens

USER = "user@example.com"


@pytest.fixture
def headers(server: TestClient, settings: Settings) -> dict[str, str]:
    """How the user is known whose session it is."""
    return add_users(settings, USER)[0]


@pytest.fixture
def spent(headers: dict[str, str], settings: Settings) -> str:
    """The first refresh token of the session, which has been spent."""
    return add_session(settings, USER)


@pytest.fixture
def token(server: TestClient, spent: str) -> str:
    """The newest refresh token of the session; the first was spent a while ago."""
    text: str = refresh(server, spent).json()["refresh_token"]
    with SessionLocal.begin() as db:
        age_spent_tokens(db)
    return text


def refresh(server: TestClient, token: str) -> Response:
    return server.post("/auth/refresh", json={"refresh_token": token})


def log_out(server: TestClient, _headers: dict[str, str], token: str) -> Response:
    return server.post("/auth/logout", json={"refresh_token": token})


def replay(server: TestClient, _headers: dict[str, str], token: str) -> Response:
    return refresh(server, token)


def change_password(server: TestClient, headers: dict[str, str], _token: str) -> Response:
    change = {"current_password": PASSWORD, "new_password": "Password2"}
    return server.put("/users/me/password", json=change, headers=headers)


def end_session(server: TestClient, headers: dict[str, str], _token: str) -> Response:
    return server.delete(f"/auth/sessions/{FAMILY}", headers=headers)


def end_sessions(server: TestClient, headers: dict[str, str], _token: str) -> Response:
    return server.delete("/auth/sessions", headers=headers)


def delete_user(server: TestClient, headers: dict[str, str], _token: str) -> Response:
    return server.delete("/users/me", headers=headers)


class TestTwoRefreshes:
    def test_one_of_two_with_a_token_is_refused(
        self, server: TestClient, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(sessions, "find", Meeting(2).around(sessions.find))
            responses = at_once(lambda: refresh(server, token), lambda: refresh(server, token))
        assert statuses(responses) == [200, 401]
        assert refused(responses) == {"detail": sessions.INVALID}
        (newer,) = [response.json()["refresh_token"] for response in responses if response.is_success]
        with Session(engine) as db:
            rows = {row.token_hash: row for row in db.scalars(select(RefreshToken))}
        assert len(rows) == 3
        assert rows[hash_opaque_token(token)].spent_at is not None
        assert rows[hash_opaque_token(newer)].spent_at is None
        # A client that sends twice by mistake is no thief, and nor is one that tries again.
        assert {row.revoked_at for row in rows.values()} == {None}
        assert [refresh(server, text).status_code for text in (token, newer)] == [401, 200]


class TestEndWhileRefreshing:
    @pytest.mark.parametrize(
        ("end", "status"),
        [
            (log_out, 204),
            (replay, 401),
            (change_password, 204),
            (end_session, 204),
            (end_sessions, 204),
            (delete_user, 204),
        ],
    )
    def test_a_session_ends_with_the_token_that_is_being_added(
        self,
        server: TestClient,
        headers: dict[str, str],
        spent: str,
        token: str,
        monkeypatch: pytest.MonkeyPatch,
        end: Callable[[TestClient, dict[str, str], str], Response],
        status: int,
    ) -> None:
        pursuit = Pursuit(lambda: end(server, headers, spent))
        monkeypatch.setattr(sessions, "spend", pursuit.after(sessions.spend))
        with pursuit.watched():
            refreshed = refresh(server, token)
        assert (refreshed.status_code, pursuit.response.status_code) == (200, status)
        assert refresh(server, refreshed.json()["refresh_token"]).status_code == 401

    def test_a_session_that_ends_while_it_is_refreshed_stays_ended(
        self, server: TestClient, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        find = sessions.find

        def find_just_before_a_logout(db: Session, text: str) -> RefreshToken | None:
            found = find(db, text)
            with SessionLocal.begin() as elsewhere:
                sessions.end_family(elsewhere, FAMILY)
            return found

        monkeypatch.setattr(sessions, "find", find_just_before_a_logout)
        assert refresh(server, token).status_code == 401
        with Session(engine) as db:
            row = db.scalars(select(RefreshToken).where(RefreshToken.token_hash == hash_opaque_token(token))).one()
        assert (row.spent_at, row.revoked_at is None) == (None, False)

    def test_the_refusal_of_a_spent_token_commits_the_end_of_its_session(
        self, server: TestClient, spent: str, token: str
    ) -> None:
        assert refresh(server, spent).status_code == 401
        assert refresh(server, token).status_code == 401
        with Session(engine) as db:
            assert None not in db.scalars(select(RefreshToken.revoked_at)).all()
