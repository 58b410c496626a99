"""`PATCH /users/{id}`: users change their own name and address, admins anybody's, and only admins roles and activity."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Role, User
from app.models.columns import now
from tests.client import Client
from tests.factories import UserFactory

JSON = {"Content-Type": "application/json"}
PAST = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
VALUES = {"created_at": PAST, "updated_at": PAST, "email_verified_at": PAST}
ADMINS_CHANGES: dict[str, Any] = {"role": "admin", "is_active": False}
NO_TEXT_NOR_FACT: list[object] = [None, 2, 1e400, "", []]
LONGEST_EMAIL = f"ab@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 55}.com"


@pytest.fixture
def user(db: Session) -> User:
    return UserFactory(email="user@example.com", name="User", **VALUES)


@pytest.fixture
def other_user(db: Session) -> User:
    return UserFactory(email="other@example.com", name="Other", **VALUES)


def rows(db: Session) -> list[dict[str, Any]]:
    """Return everything that is stored, to compare with later."""
    return [dict(row) for row in db.execute(select(*User.__table__.c).order_by(User.id)).mappings()]


class TestUpdateUser:
    def test_one_changes_ones_own_name_and_nothing_else(
        self, client: Client, db: Session, user: User, other_user: User
    ) -> None:
        (before, other), shown, start = rows(db), client.get("/users/me").json(), now()
        response = client.patch(f"/users/{user.id}", json={"name": " New "})
        assert response.status_code == 200
        assert start <= user.updated_at <= now()
        assert response.json() == shown | {"name": "New", "updated_at": f"{user.updated_at:%Y-%m-%dT%H:%M:%S.%fZ}"}
        assert rows(db) == [before | {"name": "New", "updated_at": user.updated_at}, other]

    def test_a_new_address_is_stored_in_lower_case_and_not_verified(
        self, client: Client, db: Session, user: User
    ) -> None:
        (before,) = rows(db)
        response = client.patch(f"/users/{user.id}", json={"email": " New@Example.COM "})
        assert response.status_code == 200
        assert (response.json()["email"], response.json()["email_verified_at"]) == ("new@example.com", None)
        changed = {"email": "new@example.com", "email_verified_at": None, "updated_at": user.updated_at}
        assert rows(db) == [before | changed]

    @pytest.mark.parametrize("email", ["user@example.com", "USER@Example.com"])
    def test_the_same_address_stays_verified(self, client: Client, db: Session, user: User, email: str) -> None:
        before = rows(db)
        assert client.patch(f"/users/{user.id}", json={"email": email}).status_code == 200
        assert rows(db) == before

    def test_nothing_sent_changes_nothing(self, client: Client, db: Session, user: User) -> None:
        before = rows(db)
        assert client.patch(f"/users/{user.id}", json={}).status_code == 200
        assert rows(db) == before

    @pytest.mark.parametrize(
        "changes", [ADMINS_CHANGES, {"role": "admin"}, {"is_active": False}, {"name": "New"}], ids=" ".join
    )
    def test_an_admin_changes_anything_about_anybody(
        self, admin_client: Client, db: Session, admin: User, other_user: User, changes: dict[str, Any]
    ) -> None:
        first, before = rows(db)
        response = admin_client.patch(f"/users/{other_user.id}", json=changes)
        assert response.status_code == 200
        assert {name: response.json()[name] for name in changes} == changes
        version = 0 if changes.get("is_active", True) else 1
        assert rows(db) == [
            first,
            before | changes | {"updated_at": other_user.updated_at, "token_version": version},
        ]

    def test_an_admin_may_give_back_what_was_taken(self, admin_client: Client) -> None:
        other = UserFactory(role=Role.ADMIN, is_active=False)
        response = admin_client.patch(f"/users/{other.id}", json={"role": "user", "is_active": True})
        assert (response.status_code, other.role, other.is_active) == (200, Role.USER, True)

    def test_a_deactivated_user_is_out_at_once(self, admin_client: Client, client: Client, user: User) -> None:
        assert admin_client.patch(f"/users/{user.id}", json={"is_active": False}).status_code == 200
        assert client.get("/users/me").status_code == 401

    def test_a_new_role_counts_at_once(self, admin_client: Client, client: Client, user: User) -> None:
        assert client.get("/users").status_code == 403
        assert admin_client.patch(f"/users/{user.id}", json={"role": "admin"}).status_code == 200
        assert client.get("/users").status_code == 200

    def test_what_the_server_decides_is_not_obeyed(self, client: Client, db: Session, user: User) -> None:
        before = rows(db)
        decided = {"id": 4711, "token_version": 5, "password": "Password2", "password_hash": "hash"}
        times = dict.fromkeys(VALUES, "2030-01-01T00:00:00Z")
        assert client.patch(f"/users/{user.id}", json=decided | times).status_code == 200
        assert rows(db) == before

    @pytest.mark.parametrize(("field", "value"), [("email", LONGEST_EMAIL), ("name", "🦊" * 100)])
    def test_values_at_the_limit_are_taken(self, client: Client, user: User, field: str, value: str) -> None:
        assert client.patch(f"/users/{user.id}", json={field: value}).json()[field] == value
        assert getattr(user, field) == value


class TestUpdateUserRefused:
    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"role": "admin"}, "role"),
            ({"role": "user"}, "role"),
            ({"is_active": False}, "is_active"),
            ({"is_active": True, "name": "New"}, "is_active"),
            (ADMINS_CHANGES | {"email": "new@example.com"}, "is_active and role"),
        ],
    )
    def test_a_user_changes_neither_role_nor_activity(
        self, client: Client, db: Session, user: User, changes: dict[str, object], named: str
    ) -> None:
        before = rows(db)
        response = client.patch(f"/users/{user.id}", json=changes)
        assert (response.status_code, response.json()) == (403, {"detail": f"Only an admin may change {named}"})
        assert rows(db) == before

    @pytest.mark.parametrize("changes", [{"name": "New"}, {}, {"name": ""}, ADMINS_CHANGES], ids=str)
    def test_another_user_is_refused_whatever_is_sent(
        self, client: Client, db: Session, other_user: User, changes: dict[str, object]
    ) -> None:
        before = rows(db)
        response = client.patch(f"/users/{other_user.id}", json=changes)
        assert response.status_code == 403
        assert response.json() == {"detail": "Only the user or an admin may do this"}
        assert rows(db) == before

    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session, user: User) -> None:
        before = rows(db)
        response = anon_client.patch(f"/users/{user.id}", json={"name": "New"})
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert rows(db) == before

    @pytest.mark.parametrize("user_id", [0, -1, 2**63 - 1])
    def test_an_unknown_user_is_not_found(
        self, client: Client, admin_client: Client, db: Session, user_id: int
    ) -> None:
        before = rows(db)
        for actor in (client, admin_client):
            response = actor.patch(f"/users/{user_id}", json={"name": "New"})
            assert (response.status_code, response.json()) == (404, {"detail": "User not found"})
        assert rows(db) == before

    @pytest.mark.parametrize("email", ["other@example.com", "Other@EXAMPLE.com"])
    def test_a_taken_address_is_refused_and_nothing_changes(
        self, client: Client, db: Session, user: User, other_user: User, email: str
    ) -> None:
        before = rows(db)
        response = client.patch(f"/users/{user.id}", json={"name": "New", "email": email})
        assert response.status_code == 409
        assert response.json() == {"detail": "A user with this e-mail address already exists"}
        assert rows(db) == before

    @pytest.mark.parametrize("user_id", [2**63, "x", "1.5"])
    def test_what_can_be_no_id_is_refused(self, admin_client: Client, user_id: object) -> None:
        response = admin_client.patch(f"/users/{user_id}", json={"name": "New"})
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "user_id"]]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *((field, value) for field in ("email", "name", "role", "is_active") for value in NO_TEXT_NOR_FACT),
            *(("email", value) for value in ("nobody", f"x{LONGEST_EMAIL}", "a\0b@example.com", "\ud800@example.com")),
            *(("name", value) for value in (" \n", "x" * 101, "a\0b", "a\nb", "a\x7fb", "a\ud800b")),
            *(("role", value) for value in ("Admin", "owner", "admin ")),
            *(("is_active", value) for value in ("maybe", "true", 0, 1.0)),
        ],
    )
    def test_a_bad_value_is_refused_and_nothing_changes(
        self, admin_client: Client, db: Session, other_user: User, field: str, value: object
    ) -> None:
        before = rows(db)
        content = json.dumps({"name": "New", "role": "admin"} | {field: value})
        response = admin_client.patch(f"/users/{other_user.id}", content=content, headers=JSON)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", field]]
        assert rows(db) == before
