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
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.orm import Session

from app import (
    commits,
    # {% if cookiecutter.use_celery %}
    worker,
    # {% endif %}
)
from app.fields import one_line
from app.models import User
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


def send_welcome(db: Session, user: User, token: str) -> None:
    """Greet a newcomer, and have them verify their address."""
    send(db, user.email, f"Welcome to {PROJECT}", "welcome", name=greeted(user), link=link("verify-email", token))


def send_verification(db: Session, user: User, token: str) -> None:
    """Have somebody verify their address."""
    send(db, user.email, "Verify your address", "verify_email", name=greeted(user), link=link("verify-email", token))


def send_email_changed(db: Session, user: User, former: str) -> None:
    """Tell somebody, where they have had mail so far, that their address is another now, in case that was not them."""
    send(db, former, "Your address was changed", "email_changed", name=greeted(user))


def send_password_reset(db: Session, user: User, token: str) -> None:
    """Let somebody set a new password."""
    minutes = get_settings().password_reset_minutes
    reset = link("reset-password", token)
    send(db, user.email, "Set a new password", "password_reset", name=greeted(user), link=reset, minutes=minutes)


def send_password_changed(db: Session, user: User) -> None:
    """Tell somebody that their password is another now, in case that was not them."""
    send(db, user.email, "Your password was changed", "password_changed", name=greeted(user))


def greeted(user: User) -> str:
    """Return the name to greet, or nothing where a stranger may have chosen it: what they like would be mailed in our name."""
    return user.name if user.email_verified_at else ""


def link(page: str, token: str) -> str:
    """Return a link with the token where no server's log and no other site gets to see it."""
    return f"{get_settings().public_url.rstrip('/')}/{page}#token={token}"


def send(db: Session, address: str, subject: str, template: str, **values: object) -> None:
    """Mail once the session has committed, and not at all when it rolls back; nobody waits for the server."""
    text, html = (
        _templates.get_template(f"{template}.{kind}").render(values, project=PROJECT, subject=subject)
        for kind in ("txt", "html")
    )
    commits.later(db, deliver, address, subject, text, html)


# {% if cookiecutter.use_celery %}
@worker.celery.task
# {% endif %}
def deliver(address: str, subject: str, text: str, html: str) -> None:
    """Hand one mail over; raises `OSError`, of which `smtplib.SMTPException` is one, when the server does not take it."""
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
