"""`POST /auth/password/reset`: a mailed token sets a password, once, and ends whatever began with the old one."""

import json
from datetime import timedelta

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import one_time_tokens, sessions
from app.auth.passwords import verify_password
from app.auth.tokens import issue_access_token
from app.models import OneTimeToken, Purpose, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.postbox import Postbox, text_of, token_in
from tests.rows import everything

JSON = {"Content-Type": "application/json"}
NEW = "Password2"


@pytest.fixture
def token(db: Session, user: User, settings: Settings) -> str:
    return one_time_tokens.issue(db, user, Purpose.PASSWORD_RESET, settings)


def reset(client: Client, token: object, password: object = NEW) -> Response:
    content = json.dumps({"token": token, "password": password})
    return client.post("/auth/password/reset", content=content, headers=JSON)


class TestResetPassword:
    def test_the_new_password_goes_and_the_old_does_not(
        self, anon_client: Client, user: User, other_user: User, token: str
    ) -> None:
        kept = (user.email, user.name, user.role, user.is_active, user.created_at)
        others = (other_user.password_hash, other_user.token_version, other_user.email_verified_at)
        response = reset(anon_client, token)
        assert (response.status_code, response.content) == (204, b"")
        assert verify_password(NEW, user.password_hash) == (True, None)
        for password, status in ((PASSWORD, 401), (NEW, 200)):
            body = {"email": "user@example.com", "password": password}
            assert anon_client.post("/auth/login", json=body).status_code == status
        assert (user.email, user.name, user.role, user.is_active, user.created_at) == kept
        assert (other_user.password_hash, other_user.token_version, other_user.email_verified_at) == others

    def test_every_session_and_access_token_ends(
        self, client: Client, db: Session, user: User, other_user: User, settings: Settings, token: str
    ) -> None:
        mine = [sessions.add_token(db, user, family, settings) for family in ("first", "second")]
        theirs = sessions.add_token(db, other_user, "third", settings)
        others = {"Authorization": f"Bearer {issue_access_token(other_user, settings)}"}
        assert reset(client, token).status_code == 204
        assert user.token_version == 1
        assert client.get("/users/me").status_code == 401
        for text in mine:
            assert client.post("/auth/refresh", json={"refresh_token": text}).status_code == 401
        assert client.post("/auth/refresh", json={"refresh_token": theirs}).status_code == 200
        assert client.get("/users/me", headers=others).status_code == 200

    def test_every_other_mailed_token_ends_and_those_of_others_stay(
        self, anon_client: Client, db: Session, user: User, other_user: User, settings: Settings, token: str
    ) -> None:
        second = one_time_tokens.issue(db, user, Purpose.PASSWORD_RESET, settings)
        verification = one_time_tokens.issue(db, user, Purpose.EMAIL_VERIFICATION, settings)
        theirs = one_time_tokens.issue(db, other_user, Purpose.PASSWORD_RESET, settings)
        assert reset(anon_client, token).status_code == 204
        assert reset(anon_client, second, "Password3").status_code == 400
        assert anon_client.post("/auth/email/verify", json={"token": verification}).status_code == 400
        assert reset(anon_client, theirs).status_code == 204

    def test_the_token_is_used_up(self, anon_client: Client, db: Session, token: str) -> None:
        assert reset(anon_client, token).status_code == 204
        assert db.scalars(select(OneTimeToken)).all() == []
        before = everything(db)
        response = reset(anon_client, token, "Password3")
        assert (response.status_code, response.json()) == (400, {"detail": one_time_tokens.INVALID})
        assert everything(db) == before

    def test_the_address_is_verified_by_it(self, anon_client: Client, user: User, token: str) -> None:
        before = now()
        assert reset(anon_client, token).status_code == 204
        assert user.email_verified_at is not None
        assert before <= user.email_verified_at <= now()

    def test_one_that_was_verified_keeps_its_time(self, anon_client: Client, user: User, token: str) -> None:
        long_ago = user.email_verified_at = now() - timedelta(days=9)
        assert reset(anon_client, token).status_code == 204
        assert user.email_verified_at == long_ago

    def test_the_user_is_told(self, anon_client: Client, token: str, postbox: Postbox) -> None:
        assert reset(anon_client, token).status_code == 204
        (message,) = postbox.mails
        assert (message["To"], message["Subject"]) == ("user@example.com", "Your password was changed")
        assert NEW not in text_of(message)

    def test_the_token_out_of_the_mail_is_the_one(self, anon_client: Client, user: User, postbox: Postbox) -> None:
        anon_client.post("/auth/password/forgot", json={"email": "user@example.com"})
        assert reset(anon_client, token_in(postbox.mails[0])).status_code == 204
        assert verify_password(NEW, user.password_hash) == (True, None)

    @pytest.mark.parametrize("password", ["12345678", "🦊" * 128, "user@example.com.", " \0      "])
    def test_any_password_of_8_to_128_characters_is_taken(
        self, anon_client: Client, user: User, token: str, password: str
    ) -> None:
        assert reset(anon_client, token, password).status_code == 204
        assert verify_password(password, user.password_hash) == (True, None)


class TestBadInput:
    @pytest.mark.parametrize("password", [None, 1, "", "1234567", "x" * 129, "Password\ud800"], ids=ascii)
    def test_a_bad_password_leaves_the_token_good(
        self, anon_client: Client, db: Session, token: str, postbox: Postbox, password: object
    ) -> None:
        before = everything(db)
        response = reset(anon_client, token, password)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", "password"]]
        assert (everything(db), postbox.mails) == (before, [])
        assert reset(anon_client, token).status_code == 204

    @pytest.mark.parametrize("password", ["user@example.com", "USER@Example.com"])
    def test_the_address_as_password_leaves_the_token_good(
        self, anon_client: Client, db: Session, token: str, postbox: Postbox, password: str
    ) -> None:
        before = everything(db)
        response = reset(anon_client, token, password)
        assert response.status_code == 422
        message = "the password must not be the e-mail address"
        assert response.json()["detail"] == [{"type": "value_error", "loc": ["body", "password"], "msg": message}]
        assert (everything(db), postbox.mails) == (before, [])
        assert reset(anon_client, token).status_code == 204

    def test_who_has_no_token_does_not_learn_whose_address_it_is(self, anon_client: Client, user: User) -> None:
        assert reset(anon_client, "unknown", "user@example.com").status_code == 400

    @pytest.mark.parametrize("token", [None, 1, [], "", "x" * 1025, "\ud800"], ids=lambda value: ascii(value)[:9])
    def test_what_can_be_no_token_is_refused(self, anon_client: Client, db: Session, token: object) -> None:
        before = everything(db)
        response = reset(anon_client, token)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", "token"]]
        assert everything(db) == before

    def test_a_token_in_the_query_is_not_taken(self, anon_client: Client, db: Session, token: str) -> None:
        before = everything(db)
        for path in ("/auth/password/reset", "/auth/email/verify"):
            assert anon_client.post(path, params={"token": token}, json={"password": NEW}).status_code == 422
            assert anon_client.get(path, params={"token": token}).status_code == 405
        assert everything(db) == before
