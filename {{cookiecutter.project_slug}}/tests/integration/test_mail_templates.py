"""What the mails say, as text and as HTML."""

from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from sqlalchemy.orm import Session

from app import mail
from app.auth.tokens import new_opaque_token
from app.models import User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.postbox import Postbox, text_of, token_in

FOLDER = Path(mail.__file__).with_name("templates") / "mail"
TOKEN = new_opaque_token()
EXPRESSION = "{" * 2 + " 7 * 7 " + "}" * 2
NAME = f"<b>&\"'</b> {EXPRESSION}"
ESCAPED = f"&lt;b&gt;&amp;&#34;&#39;&lt;/b&gt; {EXPRESSION}"
PASSWORDS = (PASSWORD, "Password2", "Password3")

Send = Callable[[Session, User], None]
# By the name of its template: what sends it, and the page that its link leads to.
MAILS: dict[str, tuple[Send, str]] = {
    "welcome": (lambda db, user: mail.send_welcome(db, user, TOKEN), "verify-email"),
    "verify_email": (lambda db, user: mail.send_verification(db, user, TOKEN), "verify-email"),
    "password_reset": (lambda db, user: mail.send_password_reset(db, user, TOKEN), "reset-password"),
    "password_changed": (mail.send_password_changed, ""),
    "email_changed": (lambda db, user: mail.send_email_changed(db, user, "former@example.com"), ""),
}
every_mail = pytest.mark.parametrize(("send", "page"), MAILS.values(), ids=MAILS.keys())


def sent(db: Session, user: User, postbox: Postbox, send: Send) -> tuple[str, str]:
    """Return the mail as text and as HTML."""
    send(db, user)
    db.commit()
    (message,) = postbox.mails
    assert message.get_content_type() == "multipart/alternative"
    return text_of(message), text_of(message, "html")


def test_every_template_is_of_a_mail_in_both_kinds() -> None:
    names = {path.name for path in FOLDER.iterdir()}
    assert names == {"layout.html", *(f"{name}.{kind}" for name in MAILS for kind in ("txt", "html"))}


@every_mail
class TestEveryMail:
    def test_its_link_stands_once_in_each_kind(
        self, db: Session, user: User, settings: Settings, postbox: Postbox, send: Send, page: str
    ) -> None:
        link = f"{settings.public_url}/{page}#token={TOKEN}" if page else ""
        for said in sent(db, user, postbox, send):
            assert said.count("://") == said.count("#token=") == bool(page)
            assert link in said

    def test_a_name_is_escaped_in_the_html_and_in_nothing_else(
        self, db: Session, user: User, postbox: Postbox, send: Send, page: str
    ) -> None:
        user.name, user.email_verified_at = NAME, now()
        text, html = sent(db, user, postbox, send)
        assert text.splitlines()[0] == f"Hello {NAME},"
        assert ESCAPED in html
        assert "<b>" not in html

    def test_a_name_that_a_stranger_may_have_chosen_is_not_mailed(
        self, db: Session, user: User, postbox: Postbox, send: Send, page: str
    ) -> None:
        user.name = "You won: https://example.net"
        text, html = sent(db, user, postbox, send)
        assert text.splitlines()[0] == "Hello,"
        assert "You won" not in text + html

    def test_both_kinds_say_the_same(self, db: Session, user: User, postbox: Postbox, send: Send, page: str) -> None:
        text, html = sent(db, user, postbox, send)
        for paragraph in filter(None, text.splitlines()):
            assert TOKEN in paragraph or paragraph in html

    def test_it_holds_nothing_that_a_mail_program_fetches(
        self, db: Session, user: User, postbox: Postbox, send: Send, page: str
    ) -> None:
        _, html = sent(db, user, postbox, send)
        assert not [word for word in ("<img", "<script", "<link", "src=", "@import", "url(") if word in html]

    def test_nobody_else_gets_it_and_a_name_adds_no_header(
        self, db: Session, user: User, settings: Settings, postbox: Postbox, send: Send, page: str
    ) -> None:
        # The API takes no line breaks in a name; a mail holds them in its body alone.
        user.name = "User\r\nBcc: thief@example.com\r\n\r\n"
        sent(db, user, postbox, send)
        (message,) = postbox.mails
        headers = {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"}
        assert {name for name in message.keys() if not name.startswith("X-")} == headers  # noqa: SIM118 - a header may come twice
        assert (message["From"], message["Bcc"]) == (settings.mail_from, None)
        assert message["To"] == ("former@example.com" if "address was changed" in message["Subject"] else user.email)


class TestRefused:
    def test_a_template_with_a_value_that_nobody_gave_is_an_error(self, db: Session, postbox: Postbox) -> None:
        with pytest.raises(UndefinedError, match="'link' is undefined"):
            mail.send(db, "user@example.com", "Subject", "password_reset", name="User", minutes=60)
        db.commit()
        assert postbox.mails == []

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_an_address_or_subject_that_adds_a_header_is_an_error(self, postbox: Postbox, end: str) -> None:
        injected = f"user@example.com{end}Bcc: thief@example.com"
        for address, subject in ((injected, "Subject"), ("user@example.com", injected)):
            with pytest.raises(ValueError, match=r"linefeed or carriage return|control characters"):
                mail.deliver(address, subject, "Text", "<p>Text</p>")
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
    assert len(postbox.mails) == len(MAILS) + 1
    for message in postbox.mails:
        said = message.as_string() + text_of(message) + text_of(message, "html")
        assert not [secret for secret in (*PASSWORDS, user.password_hash, "argon2") if secret in said]
