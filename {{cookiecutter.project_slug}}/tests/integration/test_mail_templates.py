"""What the mails say, as text and as HTML."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError
from sqlalchemy.orm import Session

from app import mail
from app.auth import mails
from app.models import User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.postbox import Postbox, text_of, token_in

FOLDER = Path(mail.__file__).with_name("templates")
EXPRESSION = "{" * 2 + " 7 * 7 " + "}" * 2
NAME = f"<b>&\"'</b> {EXPRESSION}"
ESCAPED = f"&lt;b&gt;&amp;&#34;&#39;&lt;/b&gt; {EXPRESSION}"
PASSWORDS = (PASSWORD, "Password2", "Password3")

# The page that the link of each leads to.
PAGES: dict[mails.Kind, str] = {
    "welcome": "verify-email",
    "verify_email": "verify-email",
    "password_reset": "reset-password",
    "password_changed": "",
    "email_changed": "",
}
every_mail = pytest.mark.parametrize("kind", PAGES)


def sent(db: Session, user: User, postbox: Postbox, kind: mails.Kind) -> tuple[str, str]:
    """Return the mail as text and as HTML."""
    mails.send(db, kind, user.email)
    db.commit()
    (message,) = postbox.mails
    assert message.get_content_type() == "multipart/alternative"
    return text_of(message), text_of(message, "html")


def test_every_template_is_of_a_mail_in_both_kinds() -> None:
    names = {path.name for path in FOLDER.iterdir()}
    assert names == {"layout.html", *(f"{name}.{kind}" for name in PAGES for kind in ("txt", "html"))}


@every_mail
class TestEveryMail:
    def test_its_link_stands_once_in_each_kind(
        self, db: Session, user: User, settings: Settings, postbox: Postbox, kind: mails.Kind
    ) -> None:
        page = PAGES[kind]
        said = sent(db, user, postbox, kind)
        link = f"{settings.public_url}{page}#token={token_in(postbox.mails[0])}" if page else ""
        for text in said:
            assert text.count("://") == text.count("#token=") == bool(page)
            assert link in text

    def test_a_name_is_escaped_in_the_html_and_in_nothing_else(
        self, db: Session, user: User, postbox: Postbox, kind: mails.Kind
    ) -> None:
        user.name, user.email_verified_at = NAME, now()
        text, html = sent(db, user, postbox, kind)
        assert text.splitlines()[0] == f"Hello {NAME},"
        assert ESCAPED in html
        assert "<b>" not in html

    def test_a_name_that_a_stranger_may_have_chosen_is_not_mailed(
        self, db: Session, user: User, postbox: Postbox, kind: mails.Kind
    ) -> None:
        user.name = "You won: https://example.net"
        text, html = sent(db, user, postbox, kind)
        assert text.splitlines()[0] == "Hello,"
        assert "You won" not in text + html

    def test_both_kinds_say_the_same(self, db: Session, user: User, postbox: Postbox, kind: mails.Kind) -> None:
        text, html = sent(db, user, postbox, kind)
        for paragraph in filter(None, text.splitlines()):
            assert "#token=" in paragraph or paragraph in html

    def test_it_holds_nothing_that_a_mail_program_fetches(
        self, db: Session, user: User, postbox: Postbox, kind: mails.Kind
    ) -> None:
        _, html = sent(db, user, postbox, kind)
        assert not [word for word in ("<img", "<script", "<link", "src=", "@import", "url(") if word in html]

    def test_nobody_else_gets_it_and_a_name_adds_no_header(
        self, db: Session, user: User, settings: Settings, postbox: Postbox, kind: mails.Kind
    ) -> None:
        # The API takes no line breaks in a name; a mail holds them in its body alone.
        user.name = "User\r\nBcc: thief@example.com\r\n\r\n"
        sent(db, user, postbox, kind)
        (message,) = postbox.mails
        headers = {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"}
        assert {name for name in message.keys() if not name.startswith("X-")} == headers  # noqa: SIM118 - a header may come twice
        assert (message["From"], message["Bcc"]) == (settings.mail_from, None)
        assert message["To"] == user.email


class TestRefused:
    def test_a_template_with_a_value_that_nobody_gave_is_an_error(self) -> None:
        with pytest.raises(UndefinedError, match="'link' is undefined"):
            mail.rendered("password_reset", name="User", minutes=60, subject="Subject")

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_an_address_or_subject_that_adds_a_header_is_an_error(self, postbox: Postbox, end: str) -> None:
        injected = f"user@example.com{end}Bcc: thief@example.com"
        for address, subject in ((injected, "Subject"), ("user@example.com", injected)):
            with pytest.raises(ValueError, match=r"linefeed or carriage return|control characters"):
                mail.hand_over(address, subject, "Text", "<p>Text</p>")
        assert postbox.mails == []


def test_no_mail_holds_a_password(client: Client, anon_client: Client, user: User, postbox: Postbox) -> None:
    newcomer = {"email": "new@example.com", "name": "New", "password": PASSWORDS[0]}
    assert anon_client.post("/auth/register", json=newcomer).status_code == 201
    assert client.patch("/users/me", json={"email": "moved@example.com"}).status_code == 200
    change = {"current_password": PASSWORDS[0], "new_password": PASSWORDS[1]}
    assert client.put("/users/me/password", json=change).status_code == 204
    assert anon_client.post("/auth/password/forgot", json={"email": user.email}).status_code == 202
    body = {"token": token_in(postbox.mails[-1]), "password": PASSWORDS[2]}
    assert anon_client.post("/auth/password/reset", json=body).status_code == 204
    assert len(postbox.mails) == len(PAGES) + 1
    for message in postbox.mails:
        said = message.as_string() + text_of(message) + text_of(message, "html")
        assert not [secret for secret in (*PASSWORDS, user.password_hash, "argon2") if secret in said]
