"""`DELETE /auth/sessions/{session_id}` and `DELETE /auth/sessions`: one's own sessions, one or all."""

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import sessions
from app.auth.tokens import issue_access_token
from app.models import RefreshToken, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.rows import everything

FIRST, SECOND, THEIRS = "1" * 32, "2" * 32, "3" * 32


@pytest.fixture
def tokens(db: Session, user: User, other_user: User, settings: Settings) -> dict[str, str]:
    """A refresh token of each session, by its id."""
    owners = {FIRST: user, SECOND: user, THEIRS: other_user}
    return {family: sessions.add_token(db, owner, family, settings) for family, owner in owners.items()}


def refresh(client: Client, token: str) -> Response:
    return client.post("/auth/refresh", json={"refresh_token": token})


def assert_not_found(client: Client, db: Session, session_id: str) -> None:
    before = everything(db)
    response = client.delete(f"/auth/sessions/{session_id}")
    assert (response.status_code, response.json()) == (404, {"detail": "Session not found"})
    assert everything(db) == before


class TestEndOne:
    def test_it_ends_and_the_others_go_on(
        self, client: Client, db: Session, user: User, tokens: dict[str, str]
    ) -> None:
        before = now()
        response = client.delete(f"/auth/sessions/{FIRST}")
        assert (response.status_code, response.content) == (204, b"")
        ended, *others = db.scalars(select(RefreshToken.revoked_at).order_by(RefreshToken.id))
        assert ended is not None
        assert before <= ended <= now()
        assert (others, user.token_version) == ([None, None], 0)
        assert [refresh(client, token).status_code for token in tokens.values()] == [401, 200, 200]
        assert client.get("/users/me").status_code == 200

    def test_every_token_of_it_is_revoked(self, client: Client, db: Session, tokens: dict[str, str]) -> None:
        newer = refresh(client, tokens[FIRST]).json()["refresh_token"]
        assert client.delete(f"/auth/sessions/{FIRST}").status_code == 204
        family = select(RefreshToken.revoked_at).where(RefreshToken.family == FIRST)
        assert [revoked_at is None for revoked_at in db.scalars(family)] == [False, False]
        assert refresh(client, newer).status_code == 401

    def test_a_second_time_it_is_not_found(self, client: Client, db: Session, tokens: dict[str, str]) -> None:
        assert client.delete(f"/auth/sessions/{FIRST}").status_code == 204
        assert_not_found(client, db, FIRST)

    def test_that_of_another_is_not_found(
        self, client: Client, admin_client: Client, db: Session, tokens: dict[str, str]
    ) -> None:
        for actor in (client, admin_client):
            assert_not_found(actor, db, THEIRS)
        assert refresh(client, tokens[THEIRS]).status_code == 200

    def test_an_unknown_one_is_not_found(self, client: Client, db: Session, tokens: dict[str, str]) -> None:
        assert_not_found(client, db, "a" * 32)

    def test_one_from_before_all_were_ended_is_not_found(
        self, client: Client, db: Session, user: User, settings: Settings, tokens: dict[str, str]
    ) -> None:
        assert client.delete("/auth/sessions").status_code == 204
        client.headers["Authorization"] = f"Bearer {issue_access_token(user, settings)}"
        assert_not_found(client, db, FIRST)

    @pytest.mark.parametrize("session_id", ["1", "x" * 32, "A" * 32, "a" * 31, "a" * 33, "a" * 31 + "%00", "%ff"])
    def test_what_is_no_id_is_refused(
        self, client: Client, db: Session, tokens: dict[str, str], session_id: str
    ) -> None:
        before = everything(db)
        response = client.delete(f"/auth/sessions/{session_id}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "session_id"]]
        assert everything(db) == before


class TestEndAll:
    def test_every_session_of_the_caller_ends(
        self, client: Client, anon_client: Client, user: User, tokens: dict[str, str]
    ) -> None:
        response = client.delete("/auth/sessions")
        assert (response.status_code, response.content) == (204, b"")
        assert user.token_version == 1
        assert [refresh(anon_client, token).status_code for token in tokens.values()] == [401, 401, 200]

    @pytest.mark.parametrize("end", ["/", "//", "/%2f", "%2F", "/?session_id=", "/%2F?session_id="])
    def test_an_empty_id_is_not_found_and_ends_nothing(
        self, client: Client, db: Session, tokens: dict[str, str], end: str
    ) -> None:
        before = everything(db)
        assert client.delete(f"/auth/sessions{end}").status_code == 404
        assert everything(db) == before

    def test_every_access_token_of_the_caller_ends(
        self, client: Client, anon_client: Client, user: User, other_user: User, settings: Settings
    ) -> None:
        elsewhere, others = (issue_access_token(one, settings) for one in (user, other_user))
        assert client.delete("/auth/sessions").status_code == 204
        assert client.get("/users/me").status_code == 401
        for token, status in ((elsewhere, 401), (others, 200)):
            assert anon_client.get("/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == status

    def test_one_may_log_in_again(self, client: Client, anon_client: Client, user: User) -> None:
        assert client.delete("/auth/sessions").status_code == 204
        body = {"email": user.email, "password": "Password1"}
        access = anon_client.post("/auth/login", json=body).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {access}"
        assert len(client.get("/auth/sessions").json()["items"]) == 1

    @pytest.mark.parametrize("end", ["/auth/sessions", f"/auth/sessions/{FIRST}", "/auth/sessions/x"])
    def test_without_an_access_token_it_is_refused(
        self, anon_client: Client, db: Session, tokens: dict[str, str], end: str
    ) -> None:
        before = everything(db)
        response = anon_client.delete(end)
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert everything(db) == before
