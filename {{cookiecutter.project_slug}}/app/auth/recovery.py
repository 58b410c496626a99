"""Mailed tokens: asking for them, and what they are good for."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import (
    mail,
    # {% if cookiecutter.use_celery %}
    worker,
    # {% endif %}
)
from app.auth import one_time_tokens, sessions
from app.auth.breaches import refuse_breached
from app.auth.passwords import hash_password
from app.commits import later
from app.database import SessionLocal
from app.errors import Unauthorized, invalid_field
from app.models import Purpose, User
from app.models.columns import now
from app.settings import Settings, get_settings
from app.users.service import find_by_email


def ask_for_reset(db: Session, email: str) -> None:
    """Have a token mailed to whoever has this address.

    All of it is done after the answer, which is the same, and as fast, for an address that nobody has.
    """
    later(db, mail_reset, email)


# {% if cookiecutter.use_celery %}
@worker.celery.task
# {% endif %}
def mail_reset(email: str) -> None:
    """Mail a token to the active user with this address, if there is one.

    To the address as it is stored: what somebody has typed may only look like it. Done twice, it mails two tokens, of
    which the first to be used ends the other.
    """
    with SessionLocal.begin() as db:
        user = find_by_email(db, email)
        if user is not None and user.is_active:
            token = one_time_tokens.issue(db, user, Purpose.PASSWORD_RESET, get_settings())
            mail.send_password_reset(db, user, token)


def reset_password(db: Session, token: str, password: str) -> None:
    """Set a new password and end every session; raises `BadRequest` when the token is no longer good.

    A password that is refused does not cost the token, whose use is undone with everything else.
    """
    # First, so that neither a connection nor a lock is held while another machine is asked. The hash comes last: it costs
    # as much as a login, and who has no token is not worth it.
    refuse_breached(password)
    user = one_time_tokens.redeem(db, token, Purpose.PASSWORD_RESET)
    if password.lower() == user.email:
        raise invalid_field("password", "the password must not be the e-mail address")
    user.password_hash = hash_password(password)
    # Who has read the mail has the address.
    user.email_verified_at = user.email_verified_at or now()
    sessions.end_all(db, user)
    mail.send_password_changed(db, user)


def ask_for_verification(db: Session, user: User, settings: Settings) -> None:
    """Mail a token to the user, unless their address is verified."""
    if user.email_verified_at is not None:
        return
    try:
        token = one_time_tokens.issue(db, user, Purpose.EMAIL_VERIFICATION, settings)
    except IntegrityError:
        # As at a login: it is the user who has been deleted since.
        raise Unauthorized("Invalid or expired token") from None
    mail.send_verification(db, user, token)


def verify_email(db: Session, token: str) -> None:
    """Note that the user has the address; raises `BadRequest` when the token is no longer good.

    Since when that is known does not change with another token.
    """
    user = one_time_tokens.redeem(db, token, Purpose.EMAIL_VERIFICATION)
    user.email_verified_at = user.email_verified_at or now()
    db.flush()
