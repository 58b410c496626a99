"""`POST /auth/email/verify` and `/auth/email/verify/resend`: who reads the mail of an address has it."""

from datetime import timedelta

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import one_time_tokens
from app.auth.tokens import hash_opaque_token
from app.models import OneTimeToken, Purpose, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.postbox import Postbox, text_of, token_in
from tests.rows import everything

NEWCOMER = {"email": "new@example.com", "name": "New", "password": "Password2"}
TAKEN = {"email": "other@example.com"}


@pytest.fixture
def token(db: Session, user: User, settings: Settings) -> str:
    return one_time_tokens.issue(db, user, Purpose.EMAIL_VERIFICATION, settings)


def verify(client: Client, token: str) -> Response:
    return client.post("/auth/email/verify", json={"token": token})


class TestVerify:
    def test_the_address_is_verified(
        self, anon_client: Client, db: Session, user: User, other_user: User, token: str
    ) -> None:
        kept = (user.email, user.password_hash, user.token_version)
        before = now()
        response = verify(anon_client, token)
        assert (response.status_code, response.content) == (204, b"")
        assert user.email_verified_at is not None
        assert before <= user.email_verified_at <= now()
        assert (user.email, user.password_hash, user.token_version) == kept
        assert other_user.email_verified_at is None

    def test_the_user_sees_it_and_stays_logged_in(self, client: Client, token: str) -> None:
        assert client.get("/users/me").json()["email_verified_at"] is None
        assert verify(client, token).status_code == 204
        assert client.get("/users/me").json()["email_verified_at"] is not None

    def test_the_token_is_used_up(self, anon_client: Client, db: Session, token: str) -> None:
        assert verify(anon_client, token).status_code == 204
        assert db.scalars(select(OneTimeToken)).all() == []
        before = everything(db)
        response = verify(anon_client, token)
        assert (response.status_code, response.json()) == (400, {"detail": one_time_tokens.INVALID})
        assert everything(db) == before

    def test_verifying_again_keeps_the_time(
        self, anon_client: Client, db: Session, user: User, settings: Settings, token: str
    ) -> None:
        second = one_time_tokens.issue(db, user, Purpose.EMAIL_VERIFICATION, settings)
        verify(anon_client, token)
        first = user.email_verified_at
        assert verify(anon_client, second).status_code == 204
        assert user.email_verified_at == first

    def test_the_token_that_a_newcomer_is_mailed_is_one(
        self, anon_client: Client, db: Session, postbox: Postbox
    ) -> None:
        assert anon_client.post("/auth/register", json=NEWCOMER).status_code == 201
        assert verify(anon_client, token_in(postbox.mails[0])).status_code == 204
        assert None not in db.scalars(select(User.email_verified_at)).all()

    def test_a_user_whom_an_admin_adds_asks_for_it(
        self, admin_client: Client, anon_client: Client, db: Session, postbox: Postbox
    ) -> None:
        added = admin_client.post("/users", json=NEWCOMER).json()
        assert (added["email_verified_at"], db.scalars(select(OneTimeToken)).all()) == (None, [])
        access = anon_client.post("/auth/login", json=NEWCOMER).json()["access_token"]
        headers = {"Authorization": f"Bearer {access}"}
        assert anon_client.post("/auth/email/verify/resend", headers=headers).status_code == 202
        assert verify(anon_client, token_in(postbox.mails[0])).status_code == 204


class TestResend:
    def test_a_token_is_mailed(
        self, client: Client, db: Session, user: User, settings: Settings, postbox: Postbox
    ) -> None:
        before = now()
        response = client.post("/auth/email/verify/resend")
        assert (response.status_code, response.json()) == (202, None)
        (message,) = postbox.mails
        text = token_in(message)
        assert (message["To"], message["Subject"]) == ("user@example.com", "Verify your address")
        assert f"{settings.public_url}verify-email#token={text}" in text_of(message).splitlines()
        (token,) = db.scalars(select(OneTimeToken))
        assert (token.user_id, token.purpose, token.email) == (user.id, Purpose.EMAIL_VERIFICATION, user.email)
        assert token.token_hash == hash_opaque_token(text)
        life = timedelta(hours=settings.email_verification_hours)
        assert before + life <= token.expires_at <= now() + life
        assert verify(client, text).status_code == 204

    def test_the_first_token_stays_good(self, client: Client, token: str) -> None:
        assert client.post("/auth/email/verify/resend").status_code == 202
        assert verify(client, token).status_code == 204

    def test_nothing_is_mailed_to_an_address_that_is_verified(
        self, client: Client, db: Session, user: User, postbox: Postbox
    ) -> None:
        user.email_verified_at = now()
        before = everything(db)
        response = client.post("/auth/email/verify/resend")
        assert (response.status_code, response.json()) == (202, None)
        assert (everything(db), postbox.mails) == (before, [])

    def test_without_an_access_token_it_is_refused(self, anon_client: Client, user: User, postbox: Postbox) -> None:
        response = anon_client.post("/auth/email/verify/resend")
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert postbox.mails == []


class TestNewAddress:
    @pytest.mark.parametrize("by_admin", [False, True])
    def test_it_is_to_be_verified_and_the_former_one_is_told(
        self, client: Client, admin_client: Client, db: Session, user: User, postbox: Postbox, *, by_admin: bool
    ) -> None:
        user.email_verified_at = now()
        actor = admin_client if by_admin else client
        response = actor.patch(f"/users/{user.id}", json={"email": "New@example.com"})
        assert (response.status_code, response.json()["email_verified_at"]) == (200, None)
        assert db.scalars(select(User.email_verified_at).where(User.id == user.id)).all() == [None]
        mails = {message["To"]: message for message in postbox.mails}
        assert {address: message["Subject"] for address, message in mails.items()} == {
            "user@example.com": "Your address was changed",
            "new@example.com": "Verify your address",
        }
        # Whoever reads the former one is not to get into the account, nor to learn where it went.
        assert "token" not in mails["user@example.com"].as_string()
        assert "new@example.com" not in mails["user@example.com"].as_string().lower()
        assert verify(client, token_in(mails["new@example.com"])).status_code == 204
        assert user.email_verified_at is not None

    def test_a_token_of_the_former_one_verifies_nothing(self, client: Client, user: User, token: str) -> None:
        assert client.patch("/users/me", json={"email": "new@example.com"}).status_code == 200
        assert verify(client, token).status_code == 400
        assert user.email_verified_at is None

    @pytest.mark.parametrize("changes", [{"email": "USER@example.com"}, {"name": "New"}, {}])
    def test_the_same_one_stays_verified_and_nobody_is_told(
        self, client: Client, user: User, postbox: Postbox, changes: dict[str, str]
    ) -> None:
        verified_at = user.email_verified_at = now()
        assert client.patch("/users/me", json=changes).status_code == 200
        assert (user.email_verified_at, postbox.mails) == (verified_at, [])

    def test_nobody_is_told_of_a_change_that_was_refused(
        self, client: Client, db: Session, other_user: User, postbox: Postbox
    ) -> None:
        before = everything(db)
        assert client.patch("/users/me", json=TAKEN).status_code == 409
        assert client.patch(f"/users/{other_user.id}", json={"email": "new@example.com"}).status_code == 403
        assert (everything(db), postbox.mails) == (before, [])
