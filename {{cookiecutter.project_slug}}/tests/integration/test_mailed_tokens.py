"""What makes a mailed token no longer good: for both of the routes that take one."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest
from httpx2 import Response
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import one_time_tokens
from app.auth.tokens import hash_opaque_token
from app.models import OneTimeToken, Purpose, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.postbox import Postbox
from tests.rows import everything

PATHS = {Purpose.PASSWORD_RESET: "/auth/password/reset", Purpose.EMAIL_VERIFICATION: "/auth/email/verify"}


class Mailed(NamedTuple):
    """A token, and how it is used."""

    purpose: Purpose
    text: str

    def use(self, client: Client, text: str | None = None) -> Response:
        body = {"token": self.text if text is None else text, "password": "Password2"}
        return client.post(PATHS[self.purpose], json=body)


@pytest.fixture(params=Purpose)
def mailed(db: Session, user: User, settings: Settings, request: pytest.FixtureRequest) -> Mailed:
    return Mailed(request.param, one_time_tokens.issue(db, user, request.param, settings))


def row(db: Session, mailed: Mailed) -> OneTimeToken:
    return db.scalars(select(OneTimeToken).where(OneTimeToken.token_hash == hash_opaque_token(mailed.text))).one()


def assert_refused(client: Client, db: Session, mailed: Mailed, text: str | None = None) -> None:
    before = everything(db)
    response = mailed.use(client, text)
    assert (response.status_code, response.json()) == (400, {"detail": "Invalid or expired token"})
    assert everything(db) == before


class TestLife:
    @pytest.mark.parametrize(("life", "status"), [(0, 400), (1, 204), (-1, 400)], ids=["end", "before", "after"])
    def test_a_token_is_good_up_to_its_end(
        self,
        anon_client: Client,
        db: Session,
        monkeypatch: pytest.MonkeyPatch,
        mailed: Mailed,
        life: int,
        status: int,
    ) -> None:
        present = now()
        row(db, mailed).expires_at = present + timedelta(microseconds=life)
        monkeypatch.setattr(one_time_tokens, "now", lambda: present)
        assert mailed.use(anon_client).status_code == status

    def test_an_expired_one_is_refused(self, anon_client: Client, db: Session, mailed: Mailed) -> None:
        row(db, mailed).expires_at = now() - timedelta(seconds=1)
        assert_refused(anon_client, db, mailed)

    def test_each_lives_as_long_as_the_settings_say(
        self, db: Session, user: User, settings: Settings, mailed: Mailed
    ) -> None:
        lives = {
            Purpose.PASSWORD_RESET: timedelta(minutes=settings.password_reset_minutes),
            Purpose.EMAIL_VERIFICATION: timedelta(hours=settings.email_verification_hours),
        }
        left = row(db, mailed).expires_at - now()
        assert timedelta(0) <= lives[mailed.purpose] - left < timedelta(seconds=20)


class TestWhose:
    def test_an_unknown_text_is_refused(self, anon_client: Client, db: Session, mailed: Mailed) -> None:
        text, stored = mailed.text, row(db, mailed).token_hash
        for unknown in ("unknown", "x" * 1024, "\0", "é", f"{text} ", text[:-1], text.swapcase(), stored, "%", "''"):
            assert_refused(anon_client, db, mailed, unknown)

    def test_one_for_another_purpose_is_refused(
        self, anon_client: Client, db: Session, user: User, settings: Settings, mailed: Mailed
    ) -> None:
        (other,) = set(Purpose) - {mailed.purpose}
        assert_refused(anon_client, db, mailed, one_time_tokens.issue(db, user, other, settings))
        assert mailed.use(anon_client).status_code == 204

    def test_one_of_a_deactivated_user_is_refused(
        self, anon_client: Client, db: Session, user: User, mailed: Mailed
    ) -> None:
        user.is_active = False
        assert_refused(anon_client, db, mailed)

    @pytest.mark.parametrize("step", [1, -1])
    def test_one_of_another_version_of_its_user_is_refused(
        self, anon_client: Client, db: Session, user: User, mailed: Mailed, step: int
    ) -> None:
        user.token_version += step
        assert_refused(anon_client, db, mailed)

    def test_a_refusal_hashes_nothing(
        self, anon_client: Client, mailed: Mailed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hashed: list[object] = []
        monkeypatch.setattr(Argon2Hasher, "hash", lambda *values: hashed.append(values))
        assert mailed.use(anon_client, "unknown").status_code == 400
        assert hashed == []


def change_password(client: Client) -> Response:
    change = {"current_password": PASSWORD, "new_password": "Password3"}
    return client.put("/users/me/password", json=change)


def log_out_everywhere(client: Client) -> Response:
    return client.delete("/auth/sessions")


def change_address(client: Client) -> Response:
    return client.patch("/users/me", json={"email": "new@example.com"})


def leave(client: Client) -> Response:
    return client.delete("/users/me")


class TestAfter:
    @pytest.mark.parametrize("change", [change_password, log_out_everywhere, change_address, leave])
    def test_a_token_from_before_is_refused(
        self,
        client: Client,
        anon_client: Client,
        db: Session,
        mailed: Mailed,
        postbox: Postbox,
        change: Callable[[Client], Response],
    ) -> None:
        assert change(client).is_success
        told = len(postbox.mails)
        assert_refused(anon_client, db, mailed)
        assert len(postbox.mails) == told

    def test_a_new_name_makes_no_difference(self, client: Client, mailed: Mailed) -> None:
        assert client.patch("/users/me", json={"name": "New", "email": "User@example.com"}).status_code == 200
        assert mailed.use(client).status_code == 204

    def test_who_leaves_leaves_no_token(self, client: Client, db: Session, mailed: Mailed) -> None:
        assert client.delete("/users/me").status_code == 204
        assert db.scalars(select(OneTimeToken)).all() == []
