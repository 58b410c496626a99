"""Mail: what is sent to whom, when, and what happens where it cannot be sent."""

import logging
import smtplib
import ssl

import pytest
from pydantic import AnyUrl

from app import mail
from app.auth import mails
from app.models import User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.postbox import Postbox, text_of

NEWCOMER = {"email": "new@example.com", "name": "Ada Ünal", "password": "Password2"}
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "Password2"}


class TestWelcome:
    def test_a_newcomer_is_greeted(self, anon_client: Client, postbox: Postbox, settings: Settings) -> None:
        assert anon_client.post("/auth/register", json=NEWCOMER).status_code == 201
        (message,) = postbox.mails
        assert (message["To"], message["From"]) == ("new@example.com", settings.mail_from)
        assert message["Subject"].startswith("Welcome to ")
        assert text_of(message).splitlines()[0] == "Hello,"
        assert message["Date"]
        assert message["Message-ID"]

    def test_nobody_is_greeted_who_is_refused(self, anon_client: Client, user: User, postbox: Postbox) -> None:
        taken = NEWCOMER | {"email": user.email}
        assert anon_client.post("/auth/register", json=taken).status_code == 409
        assert anon_client.post("/auth/register", json=NEWCOMER | {"password": "short"}).status_code == 422
        assert postbox.mails == []

    def test_a_user_whom_an_admin_adds_is_not_greeted(self, admin_client: Client, postbox: Postbox) -> None:
        assert admin_client.post("/users", json=NEWCOMER).status_code == 201
        assert postbox.mails == []


class TestPasswordChanged:
    def test_the_user_is_told(self, client: Client, postbox: Postbox) -> None:
        assert client.put("/users/me/password", json=NEW_PASSWORD).status_code == 204
        (message,) = postbox.mails
        assert message["To"] == "user@example.com"
        assert "password" in message["Subject"]
        assert "Password2" not in message.as_string()

    def test_nobody_is_told_of_a_change_that_was_refused(self, client: Client, postbox: Postbox) -> None:
        wrong = NEW_PASSWORD | {"current_password": "Password3"}
        assert client.put("/users/me/password", json=wrong).status_code == 403
        assert postbox.mails == []


class TestServer:
    @pytest.mark.parametrize("refusal", ["451 Try again later", "550 No such mailbox"])
    def test_a_refusal_does_not_fail_the_request(
        self, anon_client: Client, postbox: Postbox, caplog: pytest.LogCaptureFixture, refusal: str
    ) -> None:
        postbox.refusal = refusal
        assert anon_client.post("/auth/register", json=NEWCOMER).status_code == 201
        assert postbox.mails == []
        assert [record.levelno for record in caplog.records if record.name.startswith("app.")] == [logging.ERROR]

    def test_delivering_says_what_the_server_said(self, postbox: Postbox) -> None:
        postbox.refusal = "550 No such mailbox"
        with pytest.raises(smtplib.SMTPResponseException, match="No such mailbox"):
            mail.hand_over("new@example.com", "Subject", "Text", "<p>Text</p>")

    def test_a_password_is_not_sent_without_tls(self, settings: Settings) -> None:
        host = str(settings.mail_url).removeprefix("smtp://")
        with (
            pytest.raises(smtplib.SMTPNotSupportedError, match="no TLS"),
            mail.connected(f"smtp://user:hunter2@{host}"),
        ):
            pass

    def test_the_certificate_is_checked(self) -> None:
        context = mail.tls()
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)

    def test_without_a_server_it_is_shown_on_the_console(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], postbox: Postbox
    ) -> None:
        monkeypatch.setattr(
            mail, "get_settings", lambda: settings.model_copy(update={"mail_url": AnyUrl("console://")})
        )
        # Longer than a line of a mail, and not in ASCII: what is shown can be clicked.
        line = f"Zoë: {mails.link('reset-password', 'x' * 43)}"
        mail.hand_over("new@example.com", "Subject", line, "<p>Text</p>")
        shown = capsys.readouterr().err
        assert "To: new@example.com" in shown
        assert "Subject: Subject" in shown
        assert f"\n{line}\n" in shown
        assert postbox.mails == []
