"""Mail: written from templates, and handed to the server of `MAIL_URL` or shown on the console."""

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

from app.api.fields import one_line
from app.settings import get_settings

PROJECT = "{{ cookiecutter.__project_name }}"
TIMEOUT_SECONDS = 10
TLS_PORT, PLAIN_PORT = 465, 25
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def rendered(kind: str, **values: object) -> list[str]:
    """Return what a mail says, as text and as HTML."""
    return [_templates.get_template(f"{kind}.{end}").render(values, project=PROJECT) for end in ("txt", "html")]


def hand_over(address: str, subject: str, text: str, html: str) -> None:
    """Hand one mail to the server; raises `OSError`, of which `smtplib.SMTPException` is one, when it does not take it."""
    settings = get_settings()
    if settings.mail_url.scheme == "console":
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
    with connected(str(settings.mail_url)) as server:
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
