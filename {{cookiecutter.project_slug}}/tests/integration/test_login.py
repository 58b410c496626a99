"""`POST /auth/login`, and `POST /auth/token`, which is the same as a form."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tokens import hash_opaque_token, read_access_token
from app.models import RefreshToken, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD, UserFactory

LogIn = Callable[[Client, str, str], Response]
JSON = {"Content-Type": "application/json"}
WRONG = {"detail": "Wrong e-mail address or password"}


def with_json(client: Client, email: str, password: str) -> Response:
    return client.post("/auth/login", json={"email": email, "password": password})


def with_form(client: Client, email: str, password: str) -> Response:
    return client.post("/auth/token", data={"username": email, "password": password})


both_ways = pytest.mark.parametrize("log_in", [with_json, with_form])


def tokens(db: Session) -> list[RefreshToken]:
    return list(db.scalars(select(RefreshToken).order_by(RefreshToken.id)))


@both_ways
class TestLogIn:
    def test_the_right_credentials_start_a_session(
        self, anon_client: Client, db: Session, user: User, settings: Settings, log_in: LogIn
    ) -> None:
        before = now()
        response = log_in(anon_client, "user@example.com", PASSWORD)
        body = response.json()
        assert response.status_code == 200
        assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert body["token_type"] == "bearer"
        assert body["expires_in"] == settings.access_token_minutes * 60
        assert read_access_token(body["access_token"], settings).user_id == user.id
        (token,) = tokens(db)
        assert token.token_hash == hash_opaque_token(body["refresh_token"])
        assert (token.user_id, token.spent_at, token.revoked_at) == (user.id, None, None)
        life = timedelta(days=settings.refresh_token_days)
        assert before + life <= token.expires_at <= now() + life
        assert before <= token.created_at <= now()

    def test_both_tokens_work(self, anon_client: Client, user: User, log_in: LogIn) -> None:
        user.token_version = 3
        body = log_in(anon_client, "user@example.com", PASSWORD).json()
        me = anon_client.get("/users/me", headers={"Authorization": f"Bearer {body['access_token']}"})
        assert (me.status_code, me.json()["id"]) == (200, user.id)
        assert anon_client.post("/auth/refresh", json={"refresh_token": body["refresh_token"]}).status_code == 200

    def test_each_login_is_a_session_of_its_own(
        self, anon_client: Client, db: Session, user: User, log_in: LogIn
    ) -> None:
        pairs = [log_in(anon_client, "user@example.com", PASSWORD).json() for _ in range(2)]
        assert pairs[0]["refresh_token"] != pairs[1]["refresh_token"]
        assert pairs[0]["access_token"] != pairs[1]["access_token"]
        first, second = tokens(db)
        assert first.family != second.family
        assert [first.spent_at, first.revoked_at] == [None, None]

    @pytest.mark.parametrize("email", ["USER@example.com", "User@Example.Com", " user@example.com "])
    def test_case_and_spaces_around_the_address_do_not_matter(
        self, anon_client: Client, user: User, log_in: LogIn, email: str
    ) -> None:
        assert log_in(anon_client, email, PASSWORD).status_code == 200

    @pytest.mark.parametrize(
        "password", ["password1", "Password1 ", " Password1", "Password1\0", "Password", "x", "x" * 1024]
    )
    def test_a_wrong_password_is_refused(
        self, anon_client: Client, db: Session, user: User, log_in: LogIn, password: str
    ) -> None:
        response = log_in(anon_client, "user@example.com", password)
        assert (response.status_code, response.json()) == (401, WRONG)
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert tokens(db) == []

    @pytest.mark.parametrize("email", ["nobody@example.com", "usér@example.com", "user%@example.com"])
    def test_an_unknown_address_is_refused_in_the_same_words(
        self, anon_client: Client, db: Session, user: User, log_in: LogIn, email: str
    ) -> None:
        response = log_in(anon_client, email, PASSWORD)
        assert (response.status_code, response.json()) == (401, WRONG)
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert tokens(db) == []

    def test_a_deactivated_user_is_refused_in_the_same_words(
        self, anon_client: Client, db: Session, user: User, log_in: LogIn
    ) -> None:
        user.is_active = False
        response = log_in(anon_client, "user@example.com", PASSWORD)
        assert (response.status_code, response.json()) == (401, WRONG)
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert tokens(db) == []

    def test_the_password_of_another_is_refused(self, anon_client: Client, user: User, log_in: LogIn) -> None:
        UserFactory(email="second@example.com", password="Another-1")
        assert log_in(anon_client, "user@example.com", "Another-1").status_code == 401
        assert log_in(anon_client, "second@example.com", PASSWORD).status_code == 401
        assert log_in(anon_client, "second@example.com", "Another-1").status_code == 200


class TestLogInWithBadJson:
    @pytest.mark.parametrize("value", [None, 1, True, [], {}, ""], ids=repr)
    @pytest.mark.parametrize("field", ["email", "password"])
    def test_a_value_that_is_no_text_or_empty_is_refused(
        self, anon_client: Client, db: Session, user: User, field: str, value: object
    ) -> None:
        body = {"email": "user@example.com", "password": PASSWORD} | {field: value}
        response = anon_client.post("/auth/login", json=body)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", field]]
        assert tokens(db) == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "nobody"),
            ("email", "user@example.com\0"),
            ("email", "\ud800@example.com"),
            ("password", "x" * 1025),
            ("password", "\ud800"),
        ],
    )
    def test_a_value_that_nobody_could_have_is_refused(
        self, anon_client: Client, user: User, field: str, value: str
    ) -> None:
        body = {"email": "user@example.com", "password": PASSWORD} | {field: value}
        response = anon_client.post("/auth/login", content=json.dumps(body), headers=JSON)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", field]]

    @pytest.mark.parametrize("field", ["email", "password"])
    def test_a_missing_field_is_refused(self, anon_client: Client, user: User, field: str) -> None:
        body = {"email": "user@example.com", "password": PASSWORD}
        del body[field]
        response = anon_client.post("/auth/login", json=body)
        assert response.status_code == 422
        assert response.json() == {"detail": [{"type": "missing", "loc": ["body", field], "msg": "Field required"}]}

    def test_a_form_is_refused(self, anon_client: Client, user: User) -> None:
        response = anon_client.post("/auth/login", data={"email": "user@example.com", "password": PASSWORD})
        assert response.status_code == 422


class TestLogInWithBadForm:
    @pytest.mark.parametrize("field", ["username", "password"])
    def test_a_missing_field_is_refused(self, anon_client: Client, user: User, field: str) -> None:
        form = {"username": "user@example.com", "password": PASSWORD}
        del form[field]
        response = anon_client.post("/auth/token", data=form)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", field]]

    @pytest.mark.parametrize(
        "username", ["nobody", "user@example.com\0", "user\0@example.com", "\0", "' OR 1=1 --", "%", "x" * 10_000]
    )
    def test_a_username_that_is_no_address_is_refused_like_an_unknown_one(
        self, anon_client: Client, db: Session, user: User, username: str
    ) -> None:
        response = with_form(anon_client, username, PASSWORD)
        assert (response.status_code, response.json()) == (401, WRONG)
        assert tokens(db) == []

    def test_bytes_that_are_no_text_are_refused(self, anon_client: Client, user: User) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        response = anon_client.post("/auth/token", content=b"username=%ff%ed%a0%80&password=%ff", headers=form)
        assert (response.status_code, response.json()) == (401, WRONG)

    @pytest.mark.parametrize("field", ["username", "password"])
    @pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape"])
    def test_halves_of_characters_are_refused(
        self, anon_client: Client, db: Session, user: User, field: str, charset: str
    ) -> None:
        form = {"username": "user@example.com", "password": PASSWORD, field: "\\ud800"}
        parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{form[name]}\r\n' for name in form]
        headers = {"Content-Type": f"multipart/form-data; boundary=B; charset={charset}"}
        response = anon_client.post("/auth/token", content="".join([*parts, "--B--\r\n"]), headers=headers)
        assert (response.status_code, response.json()) == (401, WRONG)
        assert tokens(db) == []

    def test_the_fields_of_oauth2_are_taken(self, anon_client: Client, user: User) -> None:
        form = {"username": "user@example.com", "password": PASSWORD, "grant_type": "password", "scope": ""}
        assert anon_client.post("/auth/token", data=form | {"client_id": "x"}).status_code == 200

    def test_another_grant_is_refused(self, anon_client: Client, db: Session, user: User) -> None:
        form = {"username": "user@example.com", "password": PASSWORD, "grant_type": "client_credentials"}
        response = anon_client.post("/auth/token", data=form)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", "grant_type"]]
        assert tokens(db) == []

    def test_json_is_refused(self, anon_client: Client, user: User) -> None:
        body = {"username": "user@example.com", "password": PASSWORD}
        assert anon_client.post("/auth/token", json=body).status_code == 422
