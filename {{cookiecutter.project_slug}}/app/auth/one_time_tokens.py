"""Tokens that are mailed, and used once."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from app.api.errors import BadRequest
from app.auth import sessions
from app.auth.tokens import hash_opaque_token, new_opaque_token
from app.models import OneTimeToken, Purpose, User
from app.models.columns import now
from app.settings import Settings

INVALID = "Invalid or expired token"


def issue(db: Session, user: User, purpose: Purpose, settings: Settings) -> str:
    """Store a token for the user's present address and return its text, which is nowhere else.

    Those that are out stay good: who asks for mail in somebody's name does not spoil what that person has asked for.
    """
    text = new_opaque_token()
    lifetimes = {
        Purpose.PASSWORD_RESET: timedelta(minutes=settings.password_reset_minutes),
        Purpose.EMAIL_VERIFICATION: timedelta(hours=settings.email_verification_hours),
    }
    db.add(
        OneTimeToken(
            user_id=user.id,
            purpose=purpose,
            token_hash=hash_opaque_token(text),
            email=user.email,
            version=user.token_version,
            expires_at=now() + lifetimes[purpose],
        )
    )
    db.flush()
    return text


def redeem(db: Session, text: str, purpose: Purpose) -> User:
    """Use a token up and return its owner, locked.

    Raises `BadRequest` when it is unknown, used, expired or for another purpose, when its owner is deactivated or has
    another address by now, or when their sessions have been ended since.
    """
    known = select(OneTimeToken).where(OneTimeToken.token_hash == hash_opaque_token(text))
    token = db.scalar(known.where(OneTimeToken.purpose == purpose))
    owner = None if token is None else sessions.lock_owner(db, token.user_id)
    if token is None or owner is None:
        raise BadRequest(INVALID)
    # What has been read may be out of date, where the engine locks no rows. The condition decides: whichever comes second
    # of two requests with one token, or after a change of its owner, deletes nothing.
    mailed_to = select(User).where(User.id == OneTimeToken.user_id, User.is_active)
    mailed_to = mailed_to.where(User.email == OneTimeToken.email, User.token_version == OneTimeToken.version)
    good = (OneTimeToken.id == token.id, OneTimeToken.expires_at > now(), mailed_to.exists())
    used = db.execute(delete(OneTimeToken).where(*good).execution_options(synchronize_session=False))
    if not cast("CursorResult[Any]", used).rowcount:
        raise BadRequest(INVALID)
    return owner
