"""`POST /auth/refresh`: a token is good once, and a copy of it gives itself away."""

from datetime import datetime, timedelta

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api.errors import Unauthorized
from app.auth import sessions
from app.auth.tokens import hash_opaque_token, read_access_token
from app.models import RefreshToken, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.rows import age_spent_tokens


@pytest.fixture
def token(db: Session, user: User, settings: Settings) -> str:
    return sessions.add_token(db, user, "family", settings)


def row(db: Session, text: str) -> RefreshToken:
    return db.scalars(select(RefreshToken).where(RefreshToken.token_hash == hash_opaque_token(text))).one()


def rows(db: Session) -> list[tuple[object, ...]]:
    return [tuple(found) for found in db.execute(select(*RefreshToken.__table__.c).order_by(RefreshToken.id))]


def refresh(client: Client, token: str) -> Response:
    return client.post("/auth/refresh", json={"refresh_token": token})


def assert_refused(response: Response) -> None:
    assert (response.status_code, response.json()) == (401, {"detail": "Invalid or expired refresh token"})
    assert response.headers["WWW-Authenticate"] == "Bearer"


class TestRefresh:
    def test_a_token_is_exchanged_for_a_new_pair(
        self, anon_client: Client, db: Session, user: User, settings: Settings, token: str
    ) -> None:
        row(db, token).expires_at = now() + timedelta(seconds=30)
        before = now()
        response = refresh(anon_client, token)
        body = response.json()
        assert response.status_code == 200
        assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert (body["token_type"], body["expires_in"]) == ("bearer", settings.access_token_minutes * 60)
        assert read_access_token(body["access_token"], settings).user_id == user.id
        assert body["refresh_token"] != token
        spent, new = row(db, token), row(db, body["refresh_token"])
        assert spent.spent_at is not None
        assert before <= spent.spent_at <= now()
        assert spent.revoked_at is None
        assert (new.user_id, new.family, new.spent_at, new.revoked_at) == (user.id, "family", None, None)
        assert new.version == user.token_version
        life = timedelta(days=settings.refresh_token_days)
        assert before + life <= new.expires_at <= now() + life
        assert len(rows(db)) == 2

    def test_the_new_access_token_works(self, anon_client: Client, db: Session, user: User, settings: Settings) -> None:
        user.token_version = 3
        token = sessions.add_token(db, user, "family", settings)
        access = refresh(anon_client, token).json()["access_token"]
        me = anon_client.get("/users/me", headers={"Authorization": f"Bearer {access}"})
        assert (me.status_code, me.json()["id"]) == (200, user.id)

    def test_a_session_goes_on_from_token_to_token(self, anon_client: Client, db: Session, token: str) -> None:
        for _ in range(3):
            response = refresh(anon_client, token)
            assert response.status_code == 200
            token = response.json()["refresh_token"]
        stored = db.scalars(select(RefreshToken)).all()
        assert len(stored) == 4
        assert {(found.family, found.revoked_at) for found in stored} == {("family", None)}

    def test_other_sessions_are_left_alone(
        self, anon_client: Client, db: Session, user: User, settings: Settings, token: str
    ) -> None:
        other = sessions.add_token(db, user, "other", settings)
        assert refresh(anon_client, token).status_code == 200
        assert (row(db, other).spent_at, row(db, other).revoked_at) == (None, None)
        assert refresh(anon_client, other).status_code == 200

    def test_an_access_token_that_has_expired_does_not_matter(self, anon_client: Client, token: str) -> None:
        headers = {"Authorization": "Bearer expired"}
        assert anon_client.post("/auth/refresh", json={"refresh_token": token}, headers=headers).status_code == 200


class TestReuse:
    def test_a_spent_token_ends_its_session(self, anon_client: Client, db: Session, token: str) -> None:
        newer = refresh(anon_client, token).json()["refresh_token"]
        age_spent_tokens(db)
        before = now()
        assert_refused(refresh(anon_client, token))
        for text in (token, newer):
            revoked_at = row(db, text).revoked_at
            assert revoked_at is not None
            assert before <= revoked_at <= now()
        assert row(db, newer).spent_at is None
        assert len(rows(db)) == 2

    def test_the_newest_token_no_longer_works_then(self, anon_client: Client, db: Session, token: str) -> None:
        newest = refresh(anon_client, refresh(anon_client, token).json()["refresh_token"]).json()["refresh_token"]
        age_spent_tokens(db)
        assert_refused(refresh(anon_client, token))
        after = rows(db)
        assert_refused(refresh(anon_client, newest))
        assert rows(db) == after

    def test_an_expired_spent_token_ends_its_session_too(self, anon_client: Client, db: Session, token: str) -> None:
        newer = refresh(anon_client, token).json()["refresh_token"]
        row(db, token).expires_at = now() - timedelta(seconds=1)
        age_spent_tokens(db)
        assert_refused(refresh(anon_client, token))
        assert row(db, newer).revoked_at is not None

    def test_other_sessions_go_on(
        self, anon_client: Client, db: Session, user: User, other_user: User, settings: Settings, token: str
    ) -> None:
        others = [
            sessions.add_token(db, user, "second", settings),
            sessions.add_token(db, other_user, "third", settings),
        ]
        refresh(anon_client, token)
        age_spent_tokens(db)
        assert_refused(refresh(anon_client, token))
        for other in others:
            assert (row(db, other).revoked_at, row(db, other).spent_at) == (None, None)
            assert refresh(anon_client, other).status_code == 200
        assert user.token_version == 0

    def test_a_token_revoked_before_keeps_its_time(
        self, anon_client: Client, db: Session, user: User, settings: Settings, token: str
    ) -> None:
        long_ago = datetime.fromisoformat("2026-01-01T00:00:00Z")
        older = sessions.add_token(db, user, "family", settings)
        row(db, older).revoked_at = long_ago
        refresh(anon_client, token)
        age_spent_tokens(db)
        assert_refused(refresh(anon_client, token))
        assert row(db, older).revoked_at == long_ago


class TestGrace:
    """A refresh that is tried again, because its answer was lost or a second tab was as fast, is no theft."""

    def test_a_spent_token_is_refused_and_its_session_goes_on(
        self, anon_client: Client, db: Session, token: str
    ) -> None:
        newer = refresh(anon_client, token).json()["refresh_token"]
        before = rows(db)
        assert_refused(refresh(anon_client, token))
        assert rows(db) == before
        assert refresh(anon_client, newer).status_code == 200

    @pytest.mark.parametrize(
        ("grace", "age", "ended"),
        [(10, timedelta(seconds=10), True), (10, timedelta(seconds=9.999999), False), (0, timedelta(0), True)],
    )
    def test_it_lasts_as_long_as_the_setting_says(
        self,
        db: Session,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        token: str,
        grace: int,
        age: timedelta,
        *,
        ended: bool,
    ) -> None:
        assert settings.refresh_grace_seconds == 10
        spent_at = row(db, token).spent_at = now()
        db.flush()
        monkeypatch.setattr(sessions, "now", lambda: spent_at + age)
        with pytest.raises(Unauthorized) as refused:
            sessions.spend(db, token, settings.model_copy(update={"refresh_grace_seconds": grace}))
        assert refused.value.keeps_changes is ended
        db.refresh(row(db, token))
        assert (row(db, token).revoked_at is not None) is ended


class TestRefusedRefresh:
    @pytest.mark.parametrize(("life", "status"), [(0, 401), (1, 200), (-1, 401)], ids=["end", "before", "after"])
    def test_a_token_is_good_up_to_its_end(
        self,
        anon_client: Client,
        db: Session,
        monkeypatch: pytest.MonkeyPatch,
        token: str,
        life: int,
        status: int,
    ) -> None:
        present = now()
        row(db, token).expires_at = present + timedelta(microseconds=life)
        monkeypatch.setattr(sessions, "now", lambda: present)
        assert refresh(anon_client, token).status_code == status

    def test_an_expired_token_is_refused(self, anon_client: Client, db: Session, token: str) -> None:
        row(db, token).expires_at = now() - timedelta(seconds=1)
        db.flush()
        before = rows(db)
        assert_refused(refresh(anon_client, token))
        assert rows(db) == before

    @pytest.mark.parametrize("spent", [False, True])
    def test_a_revoked_token_is_refused(self, anon_client: Client, db: Session, token: str, *, spent: bool) -> None:
        row(db, token).revoked_at = now()
        row(db, token).spent_at = now() if spent else None
        db.flush()
        before = rows(db)
        assert_refused(refresh(anon_client, token))
        assert rows(db) == before

    def test_a_token_of_a_deactivated_user_is_refused(
        self, anon_client: Client, db: Session, user: User, token: str
    ) -> None:
        user.is_active = False
        db.flush()
        before = rows(db)
        assert_refused(refresh(anon_client, token))
        assert rows(db) == before

    @pytest.mark.parametrize("step", [1, -1])
    def test_a_token_of_another_version_of_its_user_is_refused(
        self, anon_client: Client, db: Session, user: User, token: str, step: int
    ) -> None:
        user.token_version += step
        db.flush()
        before = rows(db)
        assert_refused(refresh(anon_client, token))
        assert rows(db) == before

    def test_a_token_of_a_user_who_is_gone_is_refused(
        self, anon_client: Client, db: Session, user: User, token: str
    ) -> None:
        db.delete(user)
        assert_refused(refresh(anon_client, token))
        assert rows(db) == []

    def test_an_unknown_token_is_refused(self, anon_client: Client, db: Session, token: str) -> None:
        before = rows(db)
        stored = row(db, token).token_hash
        for unknown in ("unknown", "x" * 1024, "\0", "é", token + " ", token[:-1], token.swapcase(), stored, "%", "''"):
            assert_refused(refresh(anon_client, unknown))
        assert rows(db) == before

    def test_an_access_token_is_refused(self, client: Client, db: Session, token: str) -> None:
        before = rows(db)
        access = client.headers["Authorization"].removeprefix("Bearer ")
        assert_refused(refresh(client, access))
        assert rows(db) == before
