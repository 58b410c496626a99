"""`POST /auth/password/forgot`: the answer is the same for everybody, and what follows is for those who have an account."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from threading import get_ident
from typing import Any

import pytest
from fastapi import BackgroundTasks
from httpx2 import Response
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.auth.tokens import hash_opaque_token
from app.database import engine
from app.models import OneTimeToken, Purpose, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import UserFactory
from tests.postbox import Postbox, text_of, token_in
from tests.rows import everything

JSON = {"Content-Type": "application/json"}
# Where the sign for Kelvin, which is no K, becomes a k.
KELVIN = "mi\u212ae@example.com"


def ask(client: Client, email: str) -> Response:
    return client.post("/auth/password/forgot", json={"email": email}, headers={"X-Request-ID": "the-same"})


@pytest.fixture
def deactivated(db: Session) -> User:
    return UserFactory(email="gone@example.com", is_active=False)


class TestForgotPassword:
    @pytest.mark.parametrize("email", ["user@example.com", "USER@Example.com", " user@example.com "])
    def test_a_token_is_mailed_in_any_case_of_the_address(
        self, anon_client: Client, db: Session, user: User, settings: Settings, postbox: Postbox, email: str
    ) -> None:
        before = now()
        response = ask(anon_client, email)
        assert (response.status_code, response.json()) == (202, None)
        (message,) = postbox.mails
        assert (message["To"], message["From"]) == ("user@example.com", settings.mail_from)
        text = token_in(message)
        assert f"{settings.public_url}reset-password#token={text}" in text_of(message).splitlines()
        (token,) = db.scalars(select(OneTimeToken))
        assert (token.user_id, token.purpose) == (user.id, Purpose.PASSWORD_RESET)
        assert (token.email, token.version) == ("user@example.com", user.token_version)
        life = timedelta(minutes=settings.password_reset_minutes)
        assert before + life <= token.expires_at <= now() + life
        assert token.token_hash == hash_opaque_token(text)

    def test_the_text_of_the_token_is_stored_nowhere(
        self, anon_client: Client, db: Session, user: User, postbox: Postbox
    ) -> None:
        response = ask(anon_client, "user@example.com")
        text = token_in(postbox.mails[0])
        assert text not in str(everything(db))
        assert text not in f"{response.headers} {response.text}"

    def test_the_mail_goes_to_the_address_that_is_stored(
        self, anon_client: Client, db: Session, postbox: Postbox
    ) -> None:
        UserFactory(email="mike@example.com")
        assert ask(anon_client, KELVIN).status_code == 202
        assert [message["To"] for message in postbox.mails] == ["mike@example.com"]
        assert db.scalars(select(OneTimeToken.email)).all() == ["mike@example.com"]

    def test_asking_again_leaves_the_first_token_good(self, anon_client: Client, user: User, postbox: Postbox) -> None:
        for _ in range(2):
            ask(anon_client, "user@example.com")
        first, second = (token_in(message) for message in postbox.mails)
        assert first != second
        body = {"token": first, "password": "Password2"}
        assert anon_client.post("/auth/password/reset", json=body).status_code == 204

    def test_sessions_go_on(self, client: Client, user: User) -> None:
        kept = (user.password_hash, user.token_version, user.email_verified_at)
        ask(client, "user@example.com")
        assert (user.password_hash, user.token_version, user.email_verified_at) == kept
        assert client.get("/users/me").status_code == 200

    @pytest.mark.parametrize("email", ["nobody@example.com", "gone@example.com", "usér@example.com"])
    def test_nothing_is_written_and_nothing_mailed_for_anybody_else(
        self, anon_client: Client, db: Session, user: User, deactivated: User, postbox: Postbox, email: str
    ) -> None:
        before = everything(db)
        assert ask(anon_client, email).status_code == 202
        assert everything(db) == before
        assert postbox.mails == []

    @pytest.mark.parametrize("refusal", ["451 Try again later", "550 No such mailbox"])
    def test_a_mail_server_that_refuses_does_not_fail_it(
        self, anon_client: Client, user: User, postbox: Postbox, caplog: pytest.LogCaptureFixture, refusal: str
    ) -> None:
        postbox.refusal = refusal
        assert ask(anon_client, "user@example.com").status_code == 202
        assert [record.levelno for record in caplog.records if record.name.startswith("app.")] == [logging.ERROR]


class TestNothingIsTold:
    @pytest.fixture
    def events(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        """What the application does: its statements, its hashes, and its answer."""
        events: list[str] = []
        test = get_ident()

        def note_statement(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if get_ident() != test:
                events.append(statement)

        async def note_answer(tasks: BackgroundTasks) -> None:
            events.append("answer")
            await run_all(tasks)

        def note_hash(*_: object) -> str:
            events.append("hash")
            return "hash"

        run_all = BackgroundTasks.__call__
        monkeypatch.setattr(BackgroundTasks, "__call__", note_answer)
        monkeypatch.setattr(Argon2Hasher, "hash", note_hash)
        monkeypatch.setattr(Argon2Hasher, "verify", note_hash)
        event.listen(engine, "before_cursor_execute", note_statement)
        yield events
        event.remove(engine, "before_cursor_execute", note_statement)

    def test_the_answers_are_the_same(self, anon_client: Client, user: User, deactivated: User) -> None:
        emails = ("user@example.com", "nobody@example.com", "gone@example.com")
        answers = [ask(anon_client, email) for email in emails]
        assert len({(answer.status_code, answer.content, str(answer.headers)) for answer in answers}) == 1

    def test_the_same_is_done_before_the_answer_and_nothing_looked_up_or_hashed(
        self, anon_client: Client, user: User, deactivated: User, events: list[str]
    ) -> None:
        before: list[list[str]] = []
        for email in ("user@example.com", "nobody@example.com", "gone@example.com"):
            events.clear()
            assert ask(anon_client, email).status_code == 202
            answered = events.index("answer")
            # Each savepoint has a name of its own.
            before.append([event for event in events[:answered] if "SAVEPOINT" not in event])
            later = "".join(events[answered:])
            assert "FROM users" in later
            assert ("INTO one_time_tokens" in later) == (email == user.email)
            assert "hash" not in events
        assert before[0] == before[1] == before[2]
        assert "SELECT" not in "".join(before[0])


class TestBadInput:
    @pytest.mark.parametrize("value", [None, 1, [], {}, "", "nobody", "user@example.com\0", "\ud800@example.com"])
    def test_what_is_no_address_is_refused(
        self, anon_client: Client, db: Session, user: User, postbox: Postbox, value: object
    ) -> None:
        response = anon_client.post("/auth/password/forgot", content=json.dumps({"email": value}), headers=JSON)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", "email"]]
        assert (db.scalars(select(OneTimeToken)).all(), postbox.mails) == ([], [])

    @pytest.mark.parametrize("email", ["a@example.com\nBcc: b@example.com", "user@example.com,b@example.com"])
    def test_more_than_one_address_is_refused(
        self, anon_client: Client, user: User, postbox: Postbox, email: str
    ) -> None:
        assert ask(anon_client, email).status_code == 422
        assert postbox.mails == []

    def test_an_address_in_the_query_is_not_taken(self, anon_client: Client, user: User, postbox: Postbox) -> None:
        response = anon_client.post("/auth/password/forgot?email=user@example.com")
        assert response.status_code == 422
        assert postbox.mails == []
