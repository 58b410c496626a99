"""Logging in, staying logged in, logging out."""

from uuid import uuid4

from sqlalchemy.orm import Session

from app.auth import sessions
from app.auth.passwords import verify_password
from app.auth.schemas import TokenPair
from app.auth.tokens import issue_access_token
from app.errors import Unauthorized
from app.models import User
from app.settings import Settings
from app.users.service import find_by_email


def log_in(db: Session, email: str, password: str, settings: Settings) -> TokenPair:
    """Start a session; raises `Unauthorized` in the same words and time whatever is wrong."""
    user = authenticate(db, email, password)
    return TokenPair(
        access_token=issue_access_token(user, settings),
        refresh_token=sessions.add_token(db, user.id, uuid4().hex, settings),
        expires_in=settings.access_token_minutes * 60,
    )


def authenticate(db: Session, email: str, password: str) -> User:
    """Return the active user with these credentials, their hash brought up to date; else raise `Unauthorized`."""
    # The form takes any text. Databases disagree on spaces at the end; one that no column could hold is nobody's.
    user = None if "\0" in email else find_by_email(db, email.strip())
    right, new_hash = verify_password(password, user.password_hash if user else None)
    if user is None or not right or not user.is_active:
        raise Unauthorized("Wrong e-mail address or password")
    if new_hash is not None:
        user.password_hash = new_hash
    return user


def refresh(db: Session, refresh_token: str, settings: Settings) -> TokenPair:
    """Exchange a refresh token for a new pair; raises `Unauthorized` when it is no longer good."""
    token = sessions.spend(db, refresh_token)
    user = db.get_one(User, token.user_id)
    if not user.is_active:
        raise Unauthorized(sessions.INVALID)
    return TokenPair(
        access_token=issue_access_token(user, settings),
        refresh_token=sessions.add_token(db, user.id, token.family, settings),
        expires_in=settings.access_token_minutes * 60,
    )


def log_out(db: Session, refresh_token: str) -> None:
    """End the session that the token belongs to, if there is one."""
    token = sessions.find(db, refresh_token)
    if token is not None:
        sessions.end_family(db, token.family)
