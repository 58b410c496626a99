"""Mail: handed to the server of `MAIL_URL` once what it tells of is committed, or shown on the console."""

import smtplib
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import (
    commits,
    # {% if cookiecutter.use_celery %}
    outbox,
    # {% endif %}
)
from app.auth import one_time_tokens
from app.database import SessionLocal
from app.fields import one_line
from app.models import Purpose, User
from app.settings import get_settings

PROJECT = "{{ cookiecutter.__project_name }}"
TIMEOUT_SECONDS = 10
TLS_PORT, PLAIN_PORT = 465, 25
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates") / "mail"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Mail(NamedTuple):
    """What a mail is about; one with a link has the page that it leads to, and what its token is for."""

    subject: str
    page: str = ""
    purpose: Purpose | None = None


# By the names of their templates.
MAILS = {
    "welcome": Mail(f"Welcome to {PROJECT}", "verify-email", Purpose.EMAIL_VERIFICATION),
    "verify_email": Mail("Verify your address", "verify-email", Purpose.EMAIL_VERIFICATION),
    "email_changed": Mail("Your address was changed"),
    "password_reset": Mail("Set a new password", "reset-password", Purpose.PASSWORD_RESET),
    "password_changed": Mail("Your password was changed"),
}


def send(db: Session, kind: str, address: str) -> None:
    """Mail once the session has committed, and not at all when it rolls back; nobody waits for the server."""
    # {% if not cookiecutter.use_celery %}
    commits.later(db, deliver, kind, address)
    # {% endif %}
    # {% if cookiecutter.use_celery %}
    commits.later(db, outbox.deliver.delay, outbox.keep(db, kind, address))
    # {% endif %}


def deliver(kind: str, address: str) -> None:
    """Write a mail and hand it over, unless it has a token and no active user has the address.

    The token is made here, so that its text is in the mail and nowhere else. Done twice, it mails two tokens, of which
    the first to be used ends the other. Raises `OSError` when the server does not take the mail.
    """
    mail, settings = MAILS[kind], get_settings()
    values = {"name": "", "minutes": settings.password_reset_minutes}
    with SessionLocal.begin() as db:
        user = db.scalar(select(User).where(User.email == address))
        if user is not None and user.email_verified_at:
            # Only then: a stranger may have chosen the name, and what they like would be mailed in our name.
            values["name"] = user.name
        if mail.purpose is not None:
            if user is None or not user.is_active:
                return
            values["link"] = link(mail.page, one_time_tokens.issue(db, user, mail.purpose, settings))
            # As it is stored: what somebody has typed may only look like it.
            address = user.email
    hand_over(address, mail.subject, *rendered(kind, subject=mail.subject, **values))


def link(page: str, token: str) -> str:
    """Return a link with the token where no server's log and no other site gets to see it."""
    return f"{get_settings().public_url.rstrip('/')}/{page}#token={token}"


def rendered(kind: str, **values: object) -> list[str]:
    """Return what a mail says, as text and as HTML."""
    return [_templates.get_template(f"{kind}.{end}").render(values, project=PROJECT) for end in ("txt", "html")]


def hand_over(address: str, subject: str, text: str, html: str) -> None:
    """Hand one mail to the server; raises `OSError`, of which `smtplib.SMTPException` is one, when it does not take it."""
    settings = get_settings()
    if settings.mail_url.startswith("console:"):
        # As it reads, not as it is sent: encoded for that, a link is broken in two.
        sys.stderr.write(f"To: {address}\nSubject: {subject}\n\n{text}\n")
        return
    message = EmailMessage(SMTP.clone(refold_source="none"))
    message["From"] = settings.mail_from
    # As it is: a header that is parsed, or folded, may name another address.
    message.set_raw("To", one_line(address))
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=settings.mail_from.rpartition("@")[2])
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    with connected(settings.mail_url) as server:
        server.send_message(message, settings.mail_from, [address])


@lru_cache
def tls() -> ssl.SSLContext:
    """Return what checks the server's certificate; to read the system's takes longer than a mail."""
    return ssl.create_default_context()


@contextmanager
def connected(url: str) -> Iterator[smtplib.SMTP]:
    """Connect with TLS, at once to `smtps:`, else where the server offers it; a password goes over nothing else."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    with (
        smtplib.SMTP_SSL(host, parts.port or TLS_PORT, timeout=TIMEOUT_SECONDS, context=tls())
        if parts.scheme == "smtps"
        else smtplib.SMTP(host, parts.port or PLAIN_PORT, timeout=TIMEOUT_SECONDS)
    ) as server:
        server.ehlo()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=tls())
            server.ehlo()
        elif parts.scheme == "smtp" and parts.username:
            raise smtplib.SMTPNotSupportedError("the server offers no TLS to send the password over")
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server
