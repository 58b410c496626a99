"""`PUT /users/me/password`."""

import json
from collections.abc import Iterator

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import sessions
from app.auth.passwords import verify_password
from app.auth.tokens import issue_access_token
from app.models import RefreshToken, User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD

JSON = {"Content-Type": "application/json"}
CHANGE = {"current_password": PASSWORD, "new_password": "Password2"}


def change(client: Client, **fields: object) -> Response:
    return client.put("/users/me/password", content=json.dumps(CHANGE | fields), headers=JSON)


@pytest.fixture
def token(db: Session, user: User, settings: Settings) -> str:
    return sessions.add_token(db, user, "family", settings)


class TestChangePassword:
    def test_the_new_password_goes_and_the_old_does_not(self, client: Client, user: User, other_user: User) -> None:
        kept = (user.email, user.name, user.role, user.is_active, user.created_at)
        others = other_user.password_hash
        response = change(client)
        assert (response.status_code, response.content) == (204, b"")
        assert verify_password("Password2", user.password_hash) == (True, None)
        assert verify_password(PASSWORD, user.password_hash) == (False, None)
        assert (user.email, user.name, user.role, user.is_active, user.created_at) == kept
        assert other_user.password_hash == others

    def test_one_logs_in_with_the_new_password_only(self, client: Client, anon_client: Client) -> None:
        assert change(client).status_code == 204
        for password, status in ((PASSWORD, 401), ("Password2", 200)):
            body = {"email": "user@example.com", "password": password}
            assert anon_client.post("/auth/login", json=body).status_code == status

    def test_every_access_token_ends_at_once(
        self, client: Client, anon_client: Client, user: User, other_user: User, settings: Settings
    ) -> None:
        elsewhere, others = issue_access_token(user, settings), issue_access_token(other_user, settings)
        assert change(client).status_code == 204
        assert user.token_version == 1
        assert client.get("/users/me").status_code == 401
        assert anon_client.get("/users/me", headers={"Authorization": f"Bearer {elsewhere}"}).status_code == 401
        assert anon_client.get("/users/me", headers={"Authorization": f"Bearer {others}"}).status_code == 200

    def test_every_session_ends_at_once(
        self, client: Client, db: Session, user: User, settings: Settings, token: str
    ) -> None:
        second = sessions.add_token(db, user, "second", settings)
        assert change(client).status_code == 204
        for text in (token, second):
            assert client.post("/auth/refresh", json={"refresh_token": text}).status_code == 401
        assert db.scalars(select(RefreshToken.spent_at)).all() == [None, None]

    def test_the_sessions_of_others_go_on(
        self, client: Client, db: Session, other_user: User, settings: Settings
    ) -> None:
        others = sessions.add_token(db, other_user, "family", settings)
        assert change(client).status_code == 204
        assert client.post("/auth/refresh", json={"refresh_token": others}).status_code == 200

    @pytest.mark.parametrize("password", ["12345678", "🦊" * 128, "user@example.com.", " \0      "])
    def test_any_password_of_8_to_128_characters_is_taken(self, client: Client, user: User, password: str) -> None:
        assert change(client, new_password=password).status_code == 204
        assert verify_password(password, user.password_hash) == (True, None)


class TestRefusedChange:
    @pytest.fixture(autouse=True)
    def unchanged(self, anon_client: Client, user: User, token: str) -> Iterator[None]:
        """Check after each test that neither the password nor the sessions have changed."""
        password_hash = user.password_hash
        yield
        assert (user.password_hash, user.token_version) == (password_hash, 0)
        assert anon_client.post("/auth/refresh", json={"refresh_token": token}).status_code == 200

    def test_without_a_token(self, anon_client: Client) -> None:
        response = change(anon_client)
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})

    def test_without_a_token_what_else_is_wrong_is_not_told(self, anon_client: Client) -> None:
        assert change(anon_client, new_password="short").status_code == 401

    @pytest.mark.parametrize("current", ["password1", "Password1 ", "Password2", "Password1\0", "x", "x" * 1024])
    @pytest.mark.parametrize("new", ["Password2", "user@example.com"])
    def test_with_a_wrong_current_password(self, client: Client, current: str, new: str) -> None:
        response = change(client, current_password=current, new_password=new)
        assert (response.status_code, response.json()) == (403, {"detail": "The current password is wrong"})

    @pytest.mark.parametrize("new", ["user@example.com", "USER@Example.com"])
    def test_with_the_address_as_password(self, client: Client, new: str) -> None:
        response = change(client, new_password=new)
        assert response.status_code == 422
        assert response.json() == {
            "detail": [
                {
                    "type": "value_error",
                    "loc": ["body", "new_password"],
                    "msg": "the password must not be the e-mail address",
                }
            ]
        }

    @pytest.mark.parametrize(
        ("field", "value", "kind"),
        [
            ("new_password", "1234567", "string_too_short"),
            ("new_password", "x" * 129, "string_too_long"),
            ("new_password", "", "string_too_short"),
            ("new_password", None, "string_type"),
            ("new_password", 12345678, "string_type"),
            ("new_password", ["12345678"], "string_type"),
            ("new_password", "Password\ud800", "string_unicode"),
            ("current_password", "", "string_too_short"),
            ("current_password", "x" * 1025, "string_too_long"),
            ("current_password", None, "string_type"),
            ("current_password", {}, "string_type"),
            ("current_password", "\ud800", "string_unicode"),
        ],
    )
    def test_with_a_value_outside_the_limits(self, client: Client, field: str, value: object, kind: str) -> None:
        response = change(client, **{field: value})
        assert response.status_code == 422
        assert [(item["loc"], item["type"]) for item in response.json()["detail"]] == [(["body", field], kind)]

    @pytest.mark.parametrize("field", ["current_password", "new_password"])
    def test_with_a_field_missing(self, client: Client, field: str) -> None:
        body = {name: value for name, value in CHANGE.items() if name != field}
        response = client.put("/users/me/password", json=body)
        assert response.status_code == 422
        assert response.json() == {"detail": [{"type": "missing", "loc": ["body", field], "msg": "Field required"}]}
