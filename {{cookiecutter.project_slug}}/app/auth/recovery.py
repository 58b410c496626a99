"""Mailed tokens: asking for them, and what they are good for."""

from sqlalchemy.orm import Session

from app.api.errors import invalid_field
from app.auth import mails, one_time_tokens, sessions
from app.auth.breaches import refuse_breached
from app.auth.passwords import hash_password
from app.models import Purpose, User
from app.models.columns import now


def ask_for_reset(db: Session, email: str) -> None:
    """Have a token mailed to whoever has this address.

    Who that is is looked up after the answer, which is the same, and as fast, for an address that nobody has.
    """
    mails.send(db, "password_reset", email)


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
    mails.send(db, "password_changed", user.email)


def ask_for_verification(db: Session, user: User) -> None:
    """Mail a token to the user, unless their address is verified."""
    if user.email_verified_at is None:
        mails.send(db, "verify_email", user.email)


def verify_email(db: Session, token: str) -> None:
    """Note that the user has the address; raises `BadRequest` when the token is no longer good.

    Since when that is known does not change with another token.
    """
    user = one_time_tokens.redeem(db, token, Purpose.EMAIL_VERIFICATION)
    user.email_verified_at = user.email_verified_at or now()
    db.flush()
