"""`POST /users`: an admin adds an account."""

import json
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.passwords import verify_password
from app.models import Role, User
from app.models.columns import now
from tests.client import Client
from tests.factories import UserFactory

NEW = {"email": "new@example.com", "name": "New", "password": "Password2"}
NO_TEXT_NOR_FACT: list[object] = [None, 2, 1e400, "", [], {}]
JSON = {"Content-Type": "application/json"}


def others(db: Session, admin: User) -> list[User]:
    return list(db.scalars(select(User).where(User.id != admin.id)))


class TestCreateUser:
    def test_an_active_user_is_added(self, admin_client: Client, db: Session, admin: User) -> None:
        before = now()
        response = admin_client.post("/users", json=NEW)
        body = response.json()
        (user,) = others(db, admin)
        assert response.status_code == 201
        times = [datetime.fromisoformat(body.pop(name)) for name in ("created_at", "updated_at")]
        assert body == {
            "id": user.id,
            "email": "new@example.com",
            "name": "New",
            "role": "user",
            "is_active": True,
            "email_verified_at": None,
        }
        assert (user.email, user.name, user.role, user.is_active) == ("new@example.com", "New", Role.USER, True)
        assert (user.email_verified_at, user.token_version) == (None, 0)
        assert [user.created_at, user.updated_at] == times
        assert all(before <= time <= now() for time in times)
        assert verify_password("Password2", user.password_hash) == (True, None)

    def test_role_and_activity_are_as_the_admin_says(self, admin_client: Client, db: Session, admin: User) -> None:
        response = admin_client.post("/users", json=NEW | {"role": "admin", "is_active": False})
        assert response.status_code == 201
        assert (response.json()["role"], response.json()["is_active"]) == ("admin", False)
        assert [(user.role, user.is_active) for user in others(db, admin)] == [(Role.ADMIN, False)]

    def test_the_address_is_stored_in_lower_case(self, admin_client: Client, db: Session, admin: User) -> None:
        response = admin_client.post("/users", json=NEW | {"email": " New@Example.COM "})
        assert (response.status_code, response.json()["email"]) == (201, "new@example.com")
        assert [user.email for user in others(db, admin)] == ["new@example.com"]

    def test_what_the_server_decides_is_not_obeyed(self, admin_client: Client, db: Session, admin: User) -> None:
        before = now()
        past = "2020-01-01T00:00:00Z"
        decided = {"id": 4711, "token_version": 5, "email_verified_at": past, "created_at": past, "updated_at": past}
        assert admin_client.post("/users", json=NEW | decided).status_code == 201
        (user,) = others(db, admin)
        assert user.id != 4711
        assert (user.token_version, user.email_verified_at) == (0, None)
        assert min(user.created_at, user.updated_at) >= before

    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session, admin: User) -> None:
        response = anon_client.post("/users", json=NEW)
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert others(db, admin) == []

    @pytest.mark.parametrize("body", [NEW, NEW | {"role": "admin"}, {}], ids=["a user", "an admin", "nothing"])
    def test_a_user_is_refused_whatever_is_sent(
        self, client: Client, db: Session, user: User, body: dict[str, str]
    ) -> None:
        response = client.post("/users", json=body)
        assert (response.status_code, response.json()) == (403, {"detail": "Only an admin may do this"})
        assert others(db, user) == []

    @pytest.mark.parametrize("email", ["taken@example.com", "TAKEN@Example.com", " taken@example.com "])
    def test_a_taken_address_is_refused(self, admin_client: Client, db: Session, admin: User, email: str) -> None:
        UserFactory(email="taken@example.com", name="First")
        response = admin_client.post("/users", json=NEW | {"email": email})
        assert response.status_code == 409
        assert response.json() == {"detail": "A user with this e-mail address already exists"}
        assert [(user.email, user.name) for user in others(db, admin)] == [("taken@example.com", "First")]


class TestCreateUserWithBadInput:
    @pytest.mark.parametrize("field", ["email", "name", "password"])
    def test_a_missing_field_is_refused(self, admin_client: Client, db: Session, admin: User, field: str) -> None:
        response = admin_client.post("/users", json={name: value for name, value in NEW.items() if name != field})
        assert response.status_code == 422
        assert response.json() == {"detail": [{"type": "missing", "loc": ["body", field], "msg": "Field required"}]}
        assert others(db, admin) == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *((field, value) for field in (*NEW, "role", "is_active") for value in NO_TEXT_NOR_FACT),
            ("email", "nobody"),
            ("email", "no\0body@example.com"),
            ("email", "\ud800@example.com"),
            ("name", " \n"),
            ("name", "x" * 101),
            ("name", "a\0b"),
            ("password", "x" * 7),
            ("password", "x" * 129),
            ("password", "Password\ud800"),
            ("role", "Admin"),
            ("role", "owner"),
            *(("is_active", value) for value in ("maybe", "true", 0, 1.0)),
        ],
    )
    def test_a_bad_value_is_refused(
        self, admin_client: Client, db: Session, admin: User, field: str, value: object
    ) -> None:
        response = admin_client.post("/users", content=json.dumps(NEW | {field: value}), headers=JSON)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", field]]
        assert others(db, admin) == []

    def test_the_address_as_password_is_refused(self, admin_client: Client, db: Session, admin: User) -> None:
        response = admin_client.post("/users", json=NEW | {"password": "NEW@example.com"})
        assert response.status_code == 422
        assert "must not be the e-mail address" in response.json()["detail"][0]["msg"]
        assert others(db, admin) == []

    @pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
    def test_a_body_that_is_no_json_object_is_refused(
        self, admin_client: Client, db: Session, admin: User, content: str
    ) -> None:
        response = admin_client.post("/users", content=content, headers=JSON)
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"][0] == "body"
        assert others(db, admin) == []
