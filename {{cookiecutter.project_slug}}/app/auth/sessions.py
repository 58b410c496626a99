"""Sessions: refresh tokens that rotate, and end together."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from app.auth.tokens import hash_refresh_token, new_refresh_token
from app.errors import SessionRevoked, Unauthorized
from app.models import RefreshToken, User
from app.models.columns import now
from app.settings import Settings

INVALID = "Invalid or expired refresh token"


def add_token(db: Session, user_id: int, family: str, settings: Settings) -> str:
    """Store a new refresh token and return its text, which is nowhere else."""
    text = new_refresh_token()
    db.add(
        RefreshToken(
            user_id=user_id,
            family=family,
            token_hash=hash_refresh_token(text),
            expires_at=now() + timedelta(days=settings.refresh_token_days),
        )
    )
    db.flush()
    return text


def find(db: Session, text: str) -> RefreshToken | None:
    return db.scalar(select(RefreshToken).where(RefreshToken.token_hash == hash_refresh_token(text)))


def spend(db: Session, text: str) -> RefreshToken:
    """Take a refresh token out of use, once.

    Raises `Unauthorized` when it is unknown, expired, revoked or was spent by a request running at the same time, and
    `SessionRevoked` when it had been spent before: somebody has a copy, so its whole family ends.
    """
    token = find(db, text)
    if token is None:
        raise Unauthorized(INVALID)
    if token.spent_at is not None:
        end_family(db, token.family)
        raise SessionRevoked(INVALID)
    if token.expires_at <= now():
        raise Unauthorized(INVALID)
    # The condition decides between two requests with one token, and between a refresh and a logout: whichever comes
    # second waits for the first, and then matches no row.
    unspent = (RefreshToken.id == token.id, RefreshToken.spent_at.is_(None), RefreshToken.revoked_at.is_(None))
    spent = db.execute(update(RefreshToken).where(*unspent).values(spent_at=now()))
    if not cast("CursorResult[Any]", spent).rowcount:
        raise Unauthorized(INVALID)
    return token


def end_family(db: Session, family: str) -> None:
    """Revoke one session."""
    revoke = update(RefreshToken).where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
    db.execute(revoke.values(revoked_at=now()))


def end_all(db: Session, user: User) -> None:
    """Revoke every session of the user, and every access token that is out."""
    user.token_version += 1
    revoke = update(RefreshToken).where(RefreshToken.user_id == user.id, RefreshToken.revoked_at.is_(None))
    db.execute(revoke.values(revoked_at=now()))
    db.flush()
