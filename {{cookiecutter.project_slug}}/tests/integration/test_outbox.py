"""The outbox: what a committed request has promised to mail is sent once, whatever happens to the broker and the workers."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from kombu.simple import SimpleQueue
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth import tasks
from app.database import SessionLocal
from app.models import OneTimeToken, User
from app.models.columns import now
from app.models.outgoing_mail import OutgoingMail
from app.worker import outbox
from app.worker.outbox import GIVE_UP, LEASE, LEFT
from tests.client import Client
from tests.meeting import Meeting, at_once
from tests.postbox import Postbox, token_in
from tests.rows import everything
from tests.workers import eventually, queue_down, running, taken

FORGET = "/auth/password/forgot"
NEWCOMER = {"email": "new@example.com", "name": "New", "password": "Password1"}
DELIVER = "app.auth.tasks.deliver_mail"


def kept(db: Session) -> list[OutgoingMail]:
    return list(db.scalars(select(OutgoingMail).execution_options(populate_existing=True)))


def let_pass(db: Session, time: timedelta) -> None:
    """Make all mails as much older."""
    for mail in kept(db):
        mail.created_at -= time
        mail.due_at -= time
    db.flush()


class TestRequest:
    @pytest.mark.parametrize("email", ["user@example.com", "nobody@example.com"])
    def test_a_mail_is_kept_and_its_id_queued_whoever_has_the_address(
        self, anon_client: Client, db: Session, user: User, mail_queue: SimpleQueue, queue: SimpleQueue, email: str
    ) -> None:
        assert anon_client.post(FORGET, json={"email": email}).status_code == 202
        (mail,) = kept(db)
        assert (mail.kind, mail.address) == ("password_reset", email)
        assert (taken(mail_queue), taken(queue)) == ([(DELIVER, [mail.id])], [])
        assert db.scalars(select(OneTimeToken)).all() == []

    def test_a_refused_one_keeps_none(self, anon_client: Client, db: Session, user: User, queue: SimpleQueue) -> None:
        assert anon_client.post("/auth/register", json=NEWCOMER | {"email": user.email}).status_code == 409
        assert kept(db) == []

    def test_what_is_delivered_is_kept_no_longer(
        self, client: Client, db: Session, user: User, postbox: Postbox
    ) -> None:
        assert client.post("/auth/email/verify/resend").status_code == 202
        assert kept(db) == []
        assert token_in(postbox.mails[0]) not in str(everything(db))


class TestBrokerDown:
    @pytest.mark.parametrize("silent", [False, True])
    def test_the_mail_is_sent_once_when_it_is_back(
        self, anon_client: Client, db: Session, postbox: Postbox, *, silent: bool
    ) -> None:
        with queue_down(silent=silent):
            assert anon_client.post("/auth/register", json=NEWCOMER).status_code == 201
        assert postbox.mails == []
        tasks.deliver_left.delay()
        assert postbox.mails == [], "that of its request may be on its way"
        let_pass(db, LEFT)
        for _ in range(2):
            tasks.deliver_left.delay()
        assert [mail["To"] for mail in postbox.mails] == ["new@example.com"]
        assert kept(db) == []

    @pytest.mark.slow
    def test_a_worker_sends_it(self, server: TestClient, mail_queue: SimpleQueue, postbox: Postbox) -> None:
        with queue_down():
            assert server.post("/auth/register", json=NEWCOMER).status_code == 201
        with SessionLocal.begin() as db:
            let_pass(db, LEFT)
        tasks.deliver_left.delay()
        with running("worker", "--processes", "1") as worker:
            assert eventually(lambda: not sum_of_kept()), worker.said
        assert [mail["To"] for mail in postbox.mails] == ["new@example.com"]


def sum_of_kept() -> int:
    with SessionLocal() as db:
        return db.scalar(select(func.count()).select_from(OutgoingMail)) or 0


class TestDelivery:
    @pytest.fixture
    def deliver(self, db: Session, mail_queue: SimpleQueue) -> Callable[[], None]:
        """What delivers the mail of somebody's new password."""
        return partial(tasks.deliver_mail, outbox.keep(db, "password_changed", "user@example.com"))

    def test_of_two_workers_at_once_one_sends(
        self, server: TestClient, mail_queue: SimpleQueue, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert server.post("/auth/register", json=NEWCOMER).status_code == 201
        ((_, (mail_id,)),) = taken(mail_queue)
        monkeypatch.setattr(outbox, "claim", Meeting(2).before(outbox.claim))
        at_once(*[partial(tasks.deliver_mail, mail_id)] * 2)
        assert len(postbox.mails) == 1

    def test_one_that_a_worker_died_with_is_sent_after_a_while(
        self, db: Session, deliver: Callable[[], None], postbox: Postbox
    ) -> None:
        outbox.claim(kept(db)[0].id)
        deliver()
        assert postbox.mails == []
        let_pass(db, LEASE)
        deliver()
        assert len(postbox.mails) == 1

    def test_one_that_is_refused_is_tried_again_ever_later(
        self, db: Session, deliver: Callable[[], None], postbox: Postbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        postbox.refusal = "451 Later"
        waits = []
        for _ in range(5):
            deliver()
            waits.append(round((kept(db)[0].due_at - now()) / LEFT))
            let_pass(db, kept(db)[0].due_at - now())
        assert waits == [1, 1, 2, 4, 8]
        assert [record.levelno for record in caplog.records if record.name == "app.worker.outbox"] == [
            logging.ERROR
        ] * 5
        postbox.refusal = None
        deliver()
        assert (len(postbox.mails), kept(db)) == (1, [])

    def test_one_that_fails_for_days_is_given_up_with_a_line_in_the_log(
        self, db: Session, deliver: Callable[[], None], postbox: Postbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        postbox.refusal = "451 Later"
        let_pass(db, GIVE_UP)
        deliver()
        assert kept(db) == []
        assert "(password_changed) is given up" in caplog.text
