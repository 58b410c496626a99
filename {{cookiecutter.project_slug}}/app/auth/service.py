"""Registering, logging in, staying logged in, logging out."""

from uuid import uuid4

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import engines
from app.api.errors import Unauthorized
from app.auth import mails, sessions
from app.auth.accounts import create_user, find_by_email
from app.auth.passwords import verify_password
from app.auth.schemas import TokenPair, UserRegister
from app.auth.tokens import issue_access_token
from app.models import User
from app.rate_limiting.limiter import RateLimiter
from app.settings import Settings

WRONG = "Wrong e-mail address or password"


def register(db: Session, data: UserRegister, limiter: RateLimiter) -> User:
    """Add a user and greet them; raises `Conflict` when the address is taken, and `TooManyRequests` as for any mail to it."""
    user = create_user(db, data)
    limiter.mail("mail", user.email)
    mails.send(db, "welcome", user.email)
    return user


def log_in(db: Session, email: str, password: str, settings: Settings, user_agent: str | None = None) -> TokenPair:
    """Start a session; raises `Unauthorized` in the same words and time whatever is wrong."""
    user = authenticate(db, email, password)
    try:
        refresh_token = sessions.add_token(db, user, uuid4().hex, settings, user_agent=user_agent)
    except IntegrityError as error:
        # The user has been deleted since.
        if engines.violates(error, "fk_refresh_tokens_user_id_users"):
            raise Unauthorized(WRONG) from None
        raise
    return TokenPair(
        access_token=issue_access_token(user, settings),
        refresh_token=refresh_token,
        expires_in=settings.access_token_minutes * 60,
    )


def authenticate(db: Session, email: str, password: str) -> User:
    """Return the active user with these credentials, their hash brought up to date; else raise `Unauthorized`."""
    # The form takes any text, even halves of characters. What no column could hold is nobody's; databases disagree on
    # spaces at the end.
    if "\0" in email or not is_encodable(email + password):
        email = password = ""
    user = find_by_email(db, email.strip())
    right, new_hash = verify_password(password, user.password_hash if user else None)
    if user is None or not right or not user.is_active:
        raise Unauthorized(WRONG)
    if new_hash is not None:
        # Not in place of a password that was set meanwhile. Nothing that is shown changes, so nor does the time.
        verified = (User.id == user.id, User.password_hash == user.password_hash)
        rehash = update(User).where(*verified)
        db.execute(rehash.values(password_hash=new_hash, updated_at=User.updated_at))
    return user


def is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def refresh(db: Session, refresh_token: str, settings: Settings) -> TokenPair:
    """Exchange a refresh token for a new pair; raises `Unauthorized` when it is no longer good."""
    user, spent = sessions.spend(db, refresh_token, settings)
    if not user.is_active:
        raise Unauthorized(sessions.INVALID)
    return TokenPair(
        access_token=issue_access_token(user, settings),
        refresh_token=sessions.add_token(
            db, user, spent.family, settings, started_at=spent.started_at, user_agent=spent.user_agent
        ),
        expires_in=settings.access_token_minutes * 60,
    )


def log_out(db: Session, refresh_token: str) -> None:
    """End the session that the token belongs to, if there is one."""
    sessions.end(db, refresh_token)
