"""Attacks with tokens that worked on other projects, played again: forged, of another kind, used twice, found in a dump."""

import base64
import json
import re
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from httpx2 import Response
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tokens import hash_opaque_token
from app.models import OneTimeToken, Role, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.postbox import Postbox, token_in
from tests.rows import everything

CREDENTIALS = {"email": "user@example.com", "password": PASSWORD}
NEWCOMER = {"email": "new@example.com", "name": "New", "password": "Password2"}
NEW = "Password2"
EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture
def pair(anon_client: Client, user: User) -> dict[str, str]:
    """What a login gave: an access token and a refresh token."""
    body: dict[str, str] = anon_client.post("/auth/login", json=CREDENTIALS).json()
    return body


def me(client: Client, token: str) -> int:
    return client.get("/users/me", headers={"Authorization": f"Bearer {token}"}).status_code


def refresh(client: Client, token: str) -> Response:
    return client.post("/auth/refresh", json={"refresh_token": token})


def reset(client: Client, token: str, password: str = NEW) -> int:
    return client.post("/auth/password/reset", json={"token": token, "password": password}).status_code


def mailed(client: Client, postbox: Postbox, email: str = "user@example.com") -> str:
    """Return the token of a mail that resets the password."""
    assert client.post("/auth/password/forgot", json={"email": email}).status_code == 202
    return token_in(postbox.mails[-1])


def example_secret() -> str:
    (secret,) = re.findall(r'^SECRET_KEY="(.*)"$', EXAMPLE.read_text("utf-8"), re.MULTILINE)
    return str(secret)


def part(claims: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


class TestForged:
    @pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", ""])
    def test_a_token_that_says_it_is_not_signed_is_not_believed(
        self, anon_client: Client, pair: dict[str, str], admin: User, algorithm: str
    ) -> None:
        claims = jwt.decode(pair["access_token"], options={"verify_signature": False}) | {"sub": str(admin.id)}
        unsigned = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}."
        signed = unsigned + pair["access_token"].rpartition(".")[2]
        assert [me(anon_client, token) for token in (unsigned, signed)] == [401, 401]

    # PyJWT warns of an attacker's key, too.
    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
    @pytest.mark.parametrize("secret", ["secret", "changethis", "change-me", example_secret()])
    def test_a_token_signed_with_a_default_secret_is_not_believed(
        self, anon_client: Client, pair: dict[str, str], secret: str
    ) -> None:
        claims = jwt.decode(pair["access_token"], options={"verify_signature": False})
        assert me(anon_client, jwt.encode(claims, secret, algorithm="HS256")) == 401
        assert me(anon_client, pair["access_token"]) == 200

    @pytest.mark.parametrize(("secret", "environment"), [("", "development"), (example_secret(), "production")])
    def test_the_server_does_not_start_with_an_empty_or_a_known_secret(
        self, settings: Settings, secret: str, environment: str
    ) -> None:
        given = settings.model_dump() | {"environment": environment}
        with pytest.raises(ValidationError, match=r"(?i)secret_key"):
            Settings(**given | {"secret_key": secret})


class TestForEver:
    def test_an_access_token_ends_after_minutes(
        self, anon_client: Client, pair: dict[str, str], settings: Settings
    ) -> None:
        claims = jwt.decode(pair["access_token"], settings.secret_key.get_secret_value(), algorithms=["HS256"])
        assert claims["exp"] - claims["iat"] == settings.access_token_minutes * 60 <= 3600
        past = claims | {"iat": now() - timedelta(hours=1), "exp": now() - timedelta(minutes=1)}
        endless = {name: value for name, value in claims.items() if name != "exp"}
        for aged in (past, endless):
            assert me(anon_client, jwt.encode(aged, settings.secret_key.get_secret_value(), algorithm="HS256")) == 401

    def test_a_reset_token_ends_after_its_time(
        self, anon_client: Client, db: Session, user: User, postbox: Postbox, settings: Settings
    ) -> None:
        token = mailed(anon_client, postbox)
        stored = db.scalars(select(OneTimeToken)).one()
        assert stored.expires_at - stored.created_at <= timedelta(minutes=settings.password_reset_minutes, seconds=1)
        stored.expires_at = now() - timedelta(seconds=1)
        assert reset(anon_client, token) == 400
        assert anon_client.post("/auth/login", json=CREDENTIALS).status_code == 200


class TestOfAnotherKind:
    def test_a_refresh_token_is_no_access_token_and_the_reverse(
        self, anon_client: Client, db: Session, pair: dict[str, str]
    ) -> None:
        before = everything(db)
        assert me(anon_client, pair["refresh_token"]) == 401
        assert refresh(anon_client, pair["access_token"]).status_code == 401
        assert everything(db) == before
        # And the mistake has cost the session nothing.
        assert refresh(anon_client, pair["refresh_token"]).status_code == 200

    def test_a_mailed_token_is_good_for_its_own_purpose_alone(
        self, anon_client: Client, db: Session, pair: dict[str, str], postbox: Postbox
    ) -> None:
        anon_client.post("/auth/register", json=NEWCOMER)
        verification = token_in(postbox.mails[-1])
        resetting = mailed(anon_client, postbox)
        before = everything(db)
        for token in (verification, pair["access_token"], pair["refresh_token"]):
            assert reset(anon_client, token) == 400
        for token in (resetting, pair["access_token"], pair["refresh_token"]):
            assert anon_client.post("/auth/email/verify", json={"token": token}).status_code == 400
        for token in (verification, resetting):
            assert (me(anon_client, token), refresh(anon_client, token).status_code) == (401, 401)
        assert everything(db) == before
        assert reset(anon_client, resetting) == 204

    def test_ones_own_reset_token_resets_nobody_else(
        self, anon_client: Client, db: Session, user: User, other_user: User, postbox: Postbox
    ) -> None:
        victim = {"email": other_user.email, "user_id": other_user.id, "id": other_user.id}
        untouched = (other_user.password_hash, other_user.token_version)
        body = {"token": mailed(anon_client, postbox), "password": "Password2"} | victim
        assert anon_client.post("/auth/password/reset", json=body).status_code == 204
        assert (other_user.password_hash, other_user.token_version) == untouched
        assert anon_client.post("/auth/login", json=CREDENTIALS | {"password": "Password2"}).status_code == 200

    def test_a_claim_of_being_an_admin_is_not_asked_for(
        self, anon_client: Client, user: User, pair: dict[str, str], settings: Settings
    ) -> None:
        claims = jwt.decode(pair["access_token"], settings.secret_key.get_secret_value(), algorithms=["HS256"])
        boast = jwt.encode(
            claims | {"role": "admin", "scope": "admin"}, settings.secret_key.get_secret_value(), algorithm="HS256"
        )
        assert anon_client.get("/users", headers={"Authorization": f"Bearer {boast}"}).status_code == 403
        assert user.role is Role.USER


class TestTwice:
    def test_a_reset_token_sets_one_password(
        self, anon_client: Client, db: Session, user: User, postbox: Postbox
    ) -> None:
        token = mailed(anon_client, postbox)
        assert [reset(anon_client, token, password) for password in ("Password2", "Password3")] == [204, 400]
        tried = [CREDENTIALS | {"password": password} for password in (PASSWORD, "Password3", "Password2")]
        assert [anon_client.post("/auth/login", json=body).status_code for body in tried] == [401, 401, 200]
        assert db.scalars(select(OneTimeToken)).all() == []


def test_whoever_copies_the_database_finds_no_token_or_password_in_it(
    anon_client: Client, db: Session, pair: dict[str, str], postbox: Postbox
) -> None:
    anon_client.post("/auth/register", json=NEWCOMER)
    renewed = refresh(anon_client, pair["refresh_token"]).json()
    raw = [token_in(postbox.mails[-1]), mailed(anon_client, postbox), PASSWORD, NEWCOMER["password"]]
    raw += [one[kind] for one in (pair, renewed) for kind in ("access_token", "refresh_token")]
    dump = repr(everything(db))
    assert [text for text in raw if text in dump] == []
    # What is there in their place does not log in either.
    hashed = hash_opaque_token(renewed["refresh_token"])
    assert hashed in dump
    assert refresh(anon_client, hashed).status_code == 401
