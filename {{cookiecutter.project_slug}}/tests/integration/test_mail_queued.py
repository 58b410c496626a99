"""Mail through the queue: what the broker gets to know, and what becomes of a request while it is down."""

import pytest
from kombu.simple import SimpleQueue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.recovery import mail_reset
from app.models import OneTimeToken, User
from tests.client import Client
from tests.postbox import Postbox, token_in
from tests.rows import everything
from tests.workers import queue_down, taken

FORGET = "/auth/password/forgot"
MAIL_RESET, DELIVER = "app.auth.recovery.mail_reset", "app.mail.deliver"


class TestForgotPassword:
    @pytest.mark.parametrize("email", ["user@example.com", "nobody@example.com"])
    def test_one_task_is_queued_for_everybody_and_nothing_looked_up(
        self, anon_client: Client, db: Session, user: User, queue: SimpleQueue, email: str
    ) -> None:
        before = everything(db)
        assert anon_client.post(FORGET, json={"email": email}).status_code == 202
        assert taken(queue) == [(MAIL_RESET, [email])]
        assert everything(db) == before

    def test_the_task_stores_a_token_and_queues_its_mail(self, db: Session, user: User, queue: SimpleQueue) -> None:
        mail_reset("user@example.com")
        ((name, (address, subject, text, html)),) = taken(queue)
        assert (name, address, subject) == (DELIVER, "user@example.com", "Set a new password")
        assert "#token=" in text
        assert "#token=" in html
        assert db.scalars(select(OneTimeToken.email)).all() == ["user@example.com"]

    def test_done_twice_it_leaves_both_tokens_good(self, anon_client: Client, user: User, postbox: Postbox) -> None:
        for _ in range(2):
            mail_reset.delay("user@example.com")
        body = {"token": token_in(postbox.mails[0]), "password": "Password2"}
        assert anon_client.post("/auth/password/reset", json=body).status_code == 204

    @pytest.mark.parametrize("email", ["user@example.com", "nobody@example.com"])
    def test_a_broker_that_is_down_changes_nothing_about_the_answer(
        self, anon_client: Client, db: Session, user: User, postbox: Postbox, email: str
    ) -> None:
        before = everything(db)
        with queue_down():
            response = anon_client.post(FORGET, json={"email": email})
        assert (response.status_code, response.json()) == (202, None)
        assert (everything(db), postbox.mails) == (before, [])


class TestResend:
    def test_a_broker_that_is_down_fails_no_request(self, client: Client, db: Session, postbox: Postbox) -> None:
        with queue_down():
            assert client.post("/auth/email/verify/resend").status_code == 202
        assert (len(db.scalars(select(OneTimeToken)).all()), postbox.mails) == (1, [])
