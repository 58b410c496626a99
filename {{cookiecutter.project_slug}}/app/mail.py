"""Mail: handed to the server of `MAIL_URL` once what it tells of is committed, or shown on the console."""

import smtplib
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from sqlalchemy.orm import Session

from app import (
    commits,
    # {% if cookiecutter.use_celery %}
    worker,
    # {% endif %}
)
from app.models import User
from app.settings import get_settings

PROJECT = "{{ cookiecutter.__project_name }}"
TIMEOUT_SECONDS = 10
TLS_PORT, PLAIN_PORT = 465, 25


def send_welcome(db: Session, user: User) -> None:
    """Greet a newcomer."""
    send(db, user, f"Welcome to {PROJECT}", "Your account is ready: log in with this address.")


def send_password_changed(db: Session, user: User) -> None:
    """Tell somebody that their password is another now, in case that was not them."""
    text = (
        "Your password was changed and you were logged out everywhere. If that was not you, ask for a new one at once."
    )
    send(db, user, f"Your password for {PROJECT} was changed", text)


def send(db: Session, user: User, subject: str, text: str) -> None:
    """Mail the user once the session has committed, and not at all when it rolls back; nobody waits for the server."""
    commits.later(db, deliver, user.email, subject, f"Hello {user.name},\n\n{text}\n")


# {% if cookiecutter.use_celery %}
@worker.celery.task
# {% endif %}
def deliver(address: str, subject: str, text: str) -> None:
    """Hand one mail over; raises `OSError`, of which `smtplib.SMTPException` is one, when the server does not take it."""
    settings = get_settings()
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = address
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=settings.mail_from.rpartition("@")[2])
    message.set_content(text)
    if settings.mail_url.startswith("console:"):
        sys.stderr.write(f"{message}\n")
        return
    with connected(settings.mail_url) as server:
        server.send_message(message)


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
