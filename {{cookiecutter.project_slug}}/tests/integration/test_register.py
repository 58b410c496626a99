"""`POST /auth/register`."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.passwords import verify_password
from app.models import Role, User
from app.models.columns import now
from tests.client import Client
from tests.factories import UserFactory

REGISTRATION = {"email": "new@example.com", "name": "New", "password": "Password1"}
JSON = {"Content-Type": "application/json"}
# 254 characters, the most that an address may have.
LONGEST_EMAIL = f"ab@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 55}.com"


def users(db: Session) -> list[User]:
    return list(db.scalars(select(User)))


def stamp(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"


class TestRegister:
    def test_a_newcomer_becomes_a_user(self, anon_client: Client, db: Session) -> None:
        before = now()
        response = anon_client.post("/auth/register", json=REGISTRATION)
        (user,) = users(db)
        assert response.status_code == 201
        assert response.json() == {
            "id": user.id,
            "email": "new@example.com",
            "name": "New",
            "role": "user",
            "is_active": True,
            "email_verified_at": None,
            "created_at": stamp(user.created_at),
            "updated_at": stamp(user.updated_at),
        }
        assert (user.email, user.name, user.role, user.is_active) == ("new@example.com", "New", Role.USER, True)
        assert (user.email_verified_at, user.token_version) == (None, 0)
        assert before <= user.created_at <= user.updated_at <= now()

    def test_the_password_is_stored_as_a_hash_only(self, anon_client: Client, db: Session) -> None:
        response = anon_client.post("/auth/register", json=REGISTRATION)
        (user,) = users(db)
        assert verify_password("Password1", user.password_hash) == (True, None)
        assert "Password1" not in user.password_hash
        assert user.password_hash not in response.text

    @pytest.mark.parametrize("email", ["New@Example.COM", " new@example.com ", "NEW@EXAMPLE.COM"])
    def test_the_address_is_stored_in_lower_case_without_spaces(
        self, anon_client: Client, db: Session, email: str
    ) -> None:
        response = anon_client.post("/auth/register", json=REGISTRATION | {"email": email})
        assert response.status_code == 201
        assert response.json()["email"] == "new@example.com"
        assert [user.email for user in users(db)] == ["new@example.com"]

    @pytest.mark.parametrize(
        ("field", "value", "stored"),
        [
            ("email", LONGEST_EMAIL, LONGEST_EMAIL),
            ("email", "Jürgen@bücher.example", "jürgen@bücher.example"),
            ("name", "x", "x"),
            ("name", "x" * 100, "x" * 100),
            ("name", f"  {'x' * 100}\n", "x" * 100),
            ("name", "Zoë 🦊 O'Neil <b>", "Zoë 🦊 O'Neil <b>"),
        ],
    )
    def test_values_at_the_limit_are_taken(
        self, anon_client: Client, db: Session, field: str, value: str, stored: str
    ) -> None:
        response = anon_client.post("/auth/register", json=REGISTRATION | {field: value})
        assert response.status_code == 201
        assert response.json()[field] == stored
        assert [getattr(user, field) for user in users(db)] == [stored]

    @pytest.mark.parametrize("password", ["12345678", "🦊" * 128, "new@example.com.", " \t\0\n    "])
    def test_any_password_of_8_to_128_characters_is_taken_as_it_is(
        self, anon_client: Client, db: Session, password: str
    ) -> None:
        assert anon_client.post("/auth/register", json=REGISTRATION | {"password": password}).status_code == 201
        (user,) = users(db)
        assert verify_password(password, user.password_hash) == (True, None)

    def test_what_only_an_admin_gives_is_not_obeyed(self, anon_client: Client, db: Session) -> None:
        extra = {"id": 4711, "role": "admin", "is_active": False, "email_verified_at": "2026-01-01T00:00:00Z"}
        response = anon_client.post("/auth/register", json=REGISTRATION | extra | {"token_version": 5})
        assert response.status_code == 201
        assert response.json()["role"] == "user"
        (user,) = users(db)
        assert (user.role, user.is_active, user.email_verified_at) == (Role.USER, True, None)
        assert user.id != 4711
        assert user.token_version == 0

    @pytest.mark.parametrize("email", ["taken@example.com", "TAKEN@Example.com", " taken@example.com "])
    def test_a_taken_address_is_refused(self, anon_client: Client, db: Session, email: str) -> None:
        UserFactory(email="taken@example.com", name="First", is_active=False)
        response = anon_client.post("/auth/register", json=REGISTRATION | {"email": email})
        assert response.status_code == 409
        assert response.json() == {"detail": "A user with this e-mail address already exists"}
        assert [(user.email, user.name) for user in users(db)] == [("taken@example.com", "First")]

    def test_an_address_that_differs_by_an_accent_is_another(self, anon_client: Client, db: Session) -> None:
        UserFactory(email="rené@example.com")
        response = anon_client.post("/auth/register", json=REGISTRATION | {"email": "rene@example.com"})
        assert response.status_code == 201
        assert len(users(db)) == 2


class TestRegisterWithBadInput:
    @pytest.mark.parametrize("field", ["email", "name", "password"])
    def test_a_missing_field_is_refused(self, anon_client: Client, db: Session, field: str) -> None:
        body = {name: value for name, value in REGISTRATION.items() if name != field}
        response = anon_client.post("/auth/register", json=body)
        assert response.status_code == 422
        assert response.json() == {"detail": [{"type": "missing", "loc": ["body", field], "msg": "Field required"}]}
        assert users(db) == []

    @pytest.mark.parametrize("value", [None, 1, 1e400, True, [], {}], ids=str)
    @pytest.mark.parametrize("field", ["email", "name", "password"])
    def test_a_field_that_is_no_text_is_refused(
        self, anon_client: Client, db: Session, field: str, value: object
    ) -> None:
        response = anon_client.post("/auth/register", content=json.dumps(REGISTRATION | {field: value}), headers=JSON)
        assert response.status_code == 422
        assert [(item["loc"], item["type"]) for item in response.json()["detail"]] == [(["body", field], "string_type")]
        assert users(db) == []

    @pytest.mark.parametrize(
        ("field", "value", "kind"),
        [
            ("email", "", "value_error"),
            ("email", "nobody", "value_error"),
            ("email", "nobody@", "value_error"),
            ("email", "@example.com", "value_error"),
            ("email", "nobody@example", "value_error"),
            ("email", "no body@example.com", "value_error"),
            ("email", "nobody@example.com\0", "value_error"),
            ("email", "no\nbody@example.com", "value_error"),
            ("email", "no\x7fbody@example.com", "value_error"),
            ("email", f"x{LONGEST_EMAIL}", "value_error"),
            ("email", "\ud800@example.com", "value_error"),
            ("name", "", "string_too_short"),
            ("name", " \t\n ", "string_too_short"),
            ("name", "x" * 101, "string_too_long"),
            ("name", "a\0b", "value_error"),
            ("name", "a\nb", "value_error"),
            ("name", "a\x85b", "value_error"),
            ("name", "a\x7fb", "value_error"),
            ("name", "a\ud800b", "string_unicode"),
            ("password", "", "string_too_short"),
            ("password", "1234567", "string_too_short"),
            ("password", "x" * 129, "string_too_long"),
            ("password", "Password\ud800", "string_unicode"),
        ],
    )
    def test_a_value_outside_the_limits_is_refused(
        self, anon_client: Client, db: Session, field: str, value: str, kind: str
    ) -> None:
        response = anon_client.post("/auth/register", content=json.dumps(REGISTRATION | {field: value}), headers=JSON)
        assert response.status_code == 422
        assert [(item["loc"], item["type"]) for item in response.json()["detail"]] == [(["body", field], kind)]
        assert users(db) == []

    @pytest.mark.parametrize("password", ["new@example.com", "NEW@Example.com"])
    @pytest.mark.parametrize("email", ["new@example.com", "New@example.com"])
    def test_the_address_as_password_is_refused(
        self, anon_client: Client, db: Session, email: str, password: str
    ) -> None:
        response = anon_client.post("/auth/register", json=REGISTRATION | {"email": email, "password": password})
        assert response.status_code == 422
        message = "Value error, the password must not be the e-mail address"
        assert response.json() == {"detail": [{"type": "value_error", "loc": ["body"], "msg": message}]}
        assert users(db) == []

    @pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"', "email=new@example.com", "nan"])
    def test_a_body_that_is_no_json_object_is_refused(self, anon_client: Client, db: Session, content: str) -> None:
        response = anon_client.post("/auth/register", content=content, headers=JSON)
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"][0] == "body"
        assert users(db) == []

    def test_the_password_is_not_sent_back(self, anon_client: Client) -> None:
        body = {"email": "nobody", "name": "x" * 101, "password": "Secret7"}
        response = anon_client.post("/auth/register", json=body)
        assert response.status_code == 422
        assert [set(item) for item in response.json()["detail"]] == [{"type", "loc", "msg"}] * 3
        assert "Secret7" not in response.text
