"""`/users/me`: one's own account."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import sessions
from app.models import Post, RefreshToken, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PostFactory, UserFactory

JSON = {"Content-Type": "application/json"}
NEVER_GOOD: list[object] = [None, 1, 1e400, "", [], "a\0b", "a\ud800b"]
VALUES = {
    "created_at": datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
    "updated_at": datetime(2026, 2, 3, 4, 5, 6, 654321, tzinfo=UTC),
    "email_verified_at": datetime(2026, 3, 4, 5, 6, 7, 1, tzinfo=UTC),
}


@pytest.fixture
def user(db: Session) -> User:
    return UserFactory(email="user@example.com", name="User", **VALUES)


def rows(db: Session) -> list[dict[str, Any]]:
    """Return everything that is stored, to compare with later."""
    return [dict(row) for row in db.execute(select(*User.__table__.c).order_by(User.id)).mappings()]


class TestReadMe:
    def test_one_learns_all_about_oneself(self, client: Client, user: User, other_user: User) -> None:
        response = client.get("/users/me")
        assert response.status_code == 200
        assert response.json() == {
            "id": user.id,
            "email": "user@example.com",
            "name": "User",
            "role": "user",
            "is_active": True,
            "email_verified_at": "2026-03-04T05:06:07.000001Z",
            "created_at": "2026-01-02T03:04:05.123456Z",
            "updated_at": "2026-02-03T04:05:06.654321Z",
        }

    def test_an_admin_is_told_that_they_are_one(self, admin_client: Client, admin: User) -> None:
        body = admin_client.get("/users/me/").json()
        assert (body["id"], body["role"]) == (admin.id, "admin")

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session, user: User, method: str) -> None:
        before = rows(db)
        response = anon_client.request(method, "/users/me", json={"name": "New"})
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert rows(db) == before


class TestUpdateMe:
    @pytest.mark.parametrize(
        ("sent", "changed"),
        [
            ({"name": " New "}, {"name": "New"}),
            ({"email": "New@Example.com"}, {"email": "new@example.com", "email_verified_at": None}),
            (
                {"email": "new@example.com", "name": "New"},
                {"email": "new@example.com", "name": "New", "email_verified_at": None},
            ),
        ],
    )
    def test_the_fields_that_are_sent_change_and_no_others(
        self, client: Client, db: Session, user: User, other_user: User, sent: dict[str, str], changed: dict[str, Any]
    ) -> None:
        (before, other), shown, start = rows(db), client.get("/users/me").json(), now()
        response = client.patch("/users/me", json=sent)
        assert response.status_code == 200
        assert start <= user.updated_at <= now()
        assert response.json() == shown | changed | {"updated_at": f"{user.updated_at:%Y-%m-%dT%H:%M:%S.%fZ}"}
        assert rows(db) == [before | changed | {"updated_at": user.updated_at}, other]

    @pytest.mark.parametrize("sent", [{}, {"email": "USER@example.com"}, {"name": "User"}], ids=str)
    def test_what_is_the_same_changes_nothing(self, client: Client, db: Session, sent: dict[str, str]) -> None:
        before = rows(db)
        assert client.patch("/users/me", json=sent).status_code == 200
        assert rows(db) == before

    def test_role_and_activity_and_what_the_server_decides_are_not_obeyed(self, client: Client, db: Session) -> None:
        before = rows(db)
        decided = {"id": 4711, "role": "admin", "is_active": False, "token_version": 5, "password": "Password2"}
        times = dict.fromkeys(VALUES, "2030-01-01T00:00:00Z")
        response = client.patch("/users/me", json=decided | times)
        assert (response.status_code, response.json()["role"]) == (200, "user")
        assert rows(db) == before

    @pytest.mark.parametrize("email", ["other@example.com", "Other@EXAMPLE.com"])
    def test_a_taken_address_is_refused_and_nothing_changes(
        self, client: Client, db: Session, other_user: User, email: str
    ) -> None:
        before = rows(db)
        response = client.patch("/users/me", json={"name": "New", "email": email})
        assert response.status_code == 409
        assert response.json() == {"detail": "A user with this e-mail address already exists"}
        assert rows(db) == before

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *((field, value) for field in ("email", "name") for value in NEVER_GOOD),
            ("email", "nobody"),
            ("name", " \n"),
            ("name", "x" * 101),
        ],
    )
    def test_a_bad_value_is_refused_and_nothing_changes(
        self, client: Client, db: Session, field: str, value: object
    ) -> None:
        before = rows(db)
        content = json.dumps({"email": "new@example.com", "name": "New"} | {field: value})
        response = client.patch("/users/me", content=content, headers=JSON)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", field]]
        assert rows(db) == before


class TestDeleteMe:
    def test_one_goes_with_ones_posts_and_sessions_and_nobody_elses(
        self, client: Client, db: Session, user: User, other_user: User, settings: Settings
    ) -> None:
        for owner in (user, other_user):
            PostFactory(author=owner)
            sessions.add_token(db, owner, f"family of {owner.id}", settings)
        response = client.delete("/users/me")
        assert (response.status_code, response.content) == (204, b"")
        assert [row["email"] for row in rows(db)] == ["other@example.com"]
        assert list(db.scalars(select(Post.author_id))) == [other_user.id]
        assert list(db.scalars(select(RefreshToken.user_id))) == [other_user.id]

    def test_the_token_is_refused_from_then_on(self, client: Client) -> None:
        assert client.delete("/users/me").status_code == 204
        response = client.delete("/users/me")
        assert (response.status_code, response.json()) == (401, {"detail": "Invalid or expired token"})
