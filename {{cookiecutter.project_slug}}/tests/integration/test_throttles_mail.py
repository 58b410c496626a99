"""429 on what has mail sent, or takes the tokens of mails: nobody's mailbox is filled by somebody else."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import OneTimeToken, User
from tests.client import Client
from tests.factories import UserFactory
from tests.postbox import Postbox, token_in

if TYPE_CHECKING:
    from tests.throttling import PassTime, SetRates

HOUR = 3600
TOO_MANY = {"detail": "Too many attempts; try again later"}


def forget(client: Client, email: str) -> int:
    return client.post("/auth/password/forgot", json={"email": email}).status_code


def tokens_of(db: Session, user: User) -> int:
    of_user = OneTimeToken.user_id == user.id
    return db.scalar(select(func.count()).select_from(OneTimeToken).where(of_user)) or 0


@pytest.fixture(autouse=True)
def three_an_hour(set_rates: "SetRates") -> None:
    set_rates(mail_rate="3/hour", account_rate="2/hour", address_rate="1000/hour")


class TestForgotPassword:
    def test_no_more_mails_are_sent_than_the_rate_allows(
        self, anon_client: Client, db: Session, user: User, postbox: Postbox
    ) -> None:
        assert [forget(anon_client, email) for email in (user.email, "USER@example.com", user.email)] == [202] * 3
        response = anon_client.post("/auth/password/forgot", json={"email": user.email})
        assert (response.status_code, response.json()) == (429, TOO_MANY)
        assert 1 <= int(response.headers["Retry-After"]) <= HOUR
        assert (len(postbox.mails), tokens_of(db, user)) == (3, 3)

    def test_an_address_that_nobody_has_is_throttled_the_same(self, anon_client: Client) -> None:
        assert [forget(anon_client, "nobody@example.com") for _ in range(4)] == [202, 202, 202, 429]

    def test_others_may_still_ask(self, anon_client: Client, user: User, other_user: User) -> None:
        assert [forget(anon_client, user.email) for _ in range(4)] == [202, 202, 202, 429]
        assert forget(anon_client, other_user.email) == 202

    def test_it_ends_with_the_hour(self, anon_client: Client, user: User, pass_time: "PassTime") -> None:
        assert [forget(anon_client, user.email) for _ in range(4)] == [202, 202, 202, 429]
        pass_time(HOUR + 1)
        assert forget(anon_client, user.email) == 202

    def test_one_address_may_not_ask_for_everybody(self, anon_client: Client, set_rates: "SetRates") -> None:
        set_rates(mail_rate="3/hour", address_rate="2/hour")
        asked = [forget(anon_client, f"user{number}@example.com") for number in range(3)]
        assert asked == [202, 202, 429]


class TestResendVerification:
    def test_no_more_mails_are_sent_than_the_rate_allows(
        self, client: Client, db: Session, user: User, postbox: Postbox
    ) -> None:
        assert [client.post("/auth/email/verify/resend").status_code for _ in range(4)] == [202, 202, 202, 429]
        assert (len(postbox.mails), tokens_of(db, user)) == (3, 3)


class TestNewAddress:
    def test_a_user_does_not_write_to_address_after_address(
        self, client: Client, db: Session, user: User, postbox: Postbox
    ) -> None:
        for number in range(3):
            assert client.patch("/users/me", json={"email": f"victim{number}@example.com"}).status_code == 200
        told = len(postbox.mails)
        response = client.patch("/users/me", json={"email": "victim3@example.com", "name": "New"})
        assert (response.status_code, response.json()) == (429, TOO_MANY)
        assert client.patch(f"/users/{user.id}", json={"email": "victim3@example.com"}).status_code == 429
        assert (user.email, user.name, len(postbox.mails)) == ("victim2@example.com", "User", told)

    def test_the_same_address_again_does_not_count(self, client: Client, user: User) -> None:
        for number in range(5):
            assert client.patch("/users/me", json={"email": user.email, "name": str(number)}).status_code == 200

    def test_an_admin_changes_those_of_many(self, admin_client: Client) -> None:
        for user in UserFactory.create_batch(5):
            assert admin_client.patch(f"/users/{user.id}", json={"email": f"new-{user.email}"}).status_code == 200


class TestResetPassword:
    def test_one_token_is_not_tried_again_and_again(self, anon_client: Client) -> None:
        body = {"token": "unknown", "password": "Password2"}
        assert [anon_client.post("/auth/password/reset", json=body).status_code for _ in range(3)] == [400, 400, 429]

    def test_an_address_does_not_try_many(self, anon_client: Client, set_rates: "SetRates") -> None:
        set_rates(account_rate="100/hour", address_rate="2/hour")
        bodies = [{"token": f"unknown {number}", "password": "Password2"} for number in range(3)]
        assert [anon_client.post("/auth/password/reset", json=body).status_code for body in bodies] == [400, 400, 429]

    def test_a_throttled_token_is_not_used_up(
        self, anon_client: Client, user: User, set_rates: "SetRates", postbox: Postbox
    ) -> None:
        forget(anon_client, user.email)
        body = {"token": token_in(postbox.mails[0]), "password": "Password2"}
        set_rates(address_rate="1/hour")
        unknown = body | {"token": "unknown"}
        assert [anon_client.post("/auth/password/reset", json=one).status_code for one in (unknown, body)] == [400, 429]
        set_rates(address_rate="1000/hour")
        assert anon_client.post("/auth/password/reset", json=body).status_code == 204
