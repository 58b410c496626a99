"""Account mails: subjects, links and recipients."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import mail
from app.auth import one_time_tokens
from app.database import SessionLocal, commits
from app.models import Purpose, User
from app.settings import get_settings

Kind = Literal["welcome", "verify_email", "email_changed", "password_reset", "password_changed"]


class Mail(NamedTuple):
    """What a mail is about; one with a link has the page that it leads to, and what its token is for."""

    subject: str
    page: str = ""
    purpose: Purpose | None = None


# By the names of their templates.
MAILS = {
    "welcome": Mail(f"Welcome to {mail.PROJECT}", "verify-email", Purpose.EMAIL_VERIFICATION),
    "verify_email": Mail("Verify your address", "verify-email", Purpose.EMAIL_VERIFICATION),
    "email_changed": Mail("Your address was changed"),
    "password_reset": Mail("Set a new password", "reset-password", Purpose.PASSWORD_RESET),
    "password_changed": Mail("Your password was changed"),
}


def send(db: Session, kind: Kind, address: str) -> None:
    """Send a mail in the background once the session has committed; a rollback sends none."""
    dispatch(db, kind, address)


def deliver(kind: str, address: str) -> None:
    """Write a mail and hand it over, unless it has a token and no active user has the address.

    The token is made here, so that its text is in the mail and nowhere else. Done twice, it mails two tokens, of which
    the first to be used ends the other. Raises `OSError` when the server does not take the mail.
    """
    about, settings = MAILS[kind], get_settings()
    values = {"name": "", "minutes": settings.password_reset_minutes}
    with SessionLocal.begin() as db:
        user = db.scalar(select(User).where(User.email == address))
        if user is not None and user.email_verified_at:
            # Only then: a stranger may have chosen the name, and what they like would be mailed in our name.
            values["name"] = user.name
        if about.purpose is not None:
            if user is None or not user.is_active:
                return
            values["link"] = link(about.page, one_time_tokens.issue(db, user, about.purpose, settings))
            # As it is stored: what somebody has typed may only look like it.
            address = user.email
    mail.hand_over(address, about.subject, *mail.rendered(kind, subject=about.subject, **values))


def link(page: str, token: str) -> str:
    """Return a link with the token where no server's log and no other site gets to see it."""
    return f"{str(get_settings().public_url).rstrip('/')}/{page}#token={token}"


def deliver_after_response(db: Session, kind: Kind, address: str) -> None:
    commits.later(db, deliver, kind, address)


dispatch: Callable[[Session, Kind, str], None] = deliver_after_response
"""How mail leaves the process that sends it; a project with a queue sets another way."""
