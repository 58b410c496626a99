"""Sessions: refresh tokens that rotate, and end together."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.orm import Session

from app.api.errors import NotFound, SessionRevoked, Unauthorized
from app.api.pagination import PageParams, Slice, read_slice
from app.auth.tokens import hash_opaque_token, new_opaque_token
from app.models import RefreshToken, User
from app.models.columns import now
from app.settings import Settings

INVALID = "Invalid or expired refresh token"


def add_token(db: Session, user: User, family: str, settings: Settings, **carried: Any) -> str:
    """Store a new refresh token and return its text, which is nowhere else; `carried` is what a session keeps.

    It is good for the user as the session has read them: not once somebody else has ended all their sessions since.
    """
    text = new_opaque_token()
    db.add(
        RefreshToken(
            user_id=user.id,
            version=user.token_version,
            family=family,
            token_hash=hash_opaque_token(text),
            expires_at=now() + timedelta(days=settings.refresh_token_days),
            **carried,
        )
    )
    db.flush()
    return text


def find(db: Session, text: str) -> RefreshToken | None:
    return db.scalar(select(RefreshToken).where(RefreshToken.token_hash == hash_opaque_token(text)))


def spend(db: Session, text: str, settings: Settings) -> tuple[User, RefreshToken]:
    """Take a refresh token out of use, once, and return its owner, locked, and what it was.

    Raises `Unauthorized` when it is unknown, expired, revoked, of an earlier version of its user or was spent within the
    last `refresh_grace_seconds`, as by a client that tries again, and `SessionRevoked` when it was spent before that:
    somebody has a copy, so its whole family ends.
    """
    token = find(db, text)
    owner = None if token is None else lock_owner(db, token.user_id)
    if token is None or owner is None:
        raise Unauthorized(INVALID)
    if token.spent_at is not None:
        if now() - token.spent_at < timedelta(seconds=settings.refresh_grace_seconds):
            raise Unauthorized(INVALID)
        end_family(db, token.family)
        raise SessionRevoked(INVALID)
    if token.expires_at <= now() or token.version != owner.token_version:
        raise Unauthorized(INVALID)
    # What was read before the lock may be out of date. The condition decides between two requests with one token, and
    # between a refresh and a logout: whichever comes second matches no row.
    unspent = (RefreshToken.id == token.id, RefreshToken.spent_at.is_(None), RefreshToken.revoked_at.is_(None))
    spent = db.execute(update(RefreshToken).where(*unspent).values(spent_at=now()))
    if not cast("CursorResult[Any]", spent).rowcount:
        raise Unauthorized(INVALID)
    return owner, token


def lock_owner(db: Session, user_id: int) -> User | None:
    """Let whoever else spends or ends tokens of this owner wait, and return the owner, unless they are gone.

    Without it a session could be ended while its next token is being added, and that one would be missed. The owner is
    locked before their tokens, as whoever deletes them does: two that lock in another order can wait for each other.
    """
    # Not the key, where the engine can do without: whoever adds something of theirs need not wait.
    return db.get(User, user_id, with_for_update={"key_share": True}, populate_existing=True)


def end(db: Session, text: str) -> None:
    """End the session that a refresh token belongs to, if there is one."""
    token = find(db, text)
    if token is not None:
        lock_owner(db, token.user_id)
        end_family(db, token.family)


def good_tokens_of(user: User) -> Select[RefreshToken]:
    """Return what selects the user's sessions: the one token of each that is still good."""
    unused = (RefreshToken.spent_at.is_(None), RefreshToken.revoked_at.is_(None))
    good = (RefreshToken.expires_at > now(), RefreshToken.version == user.token_version)
    return select(RefreshToken).where(RefreshToken.user_id == user.id, *unused, *good)


def list_sessions(db: Session, user: User, params: PageParams) -> Slice[RefreshToken]:
    """Return a page of the user's sessions, the last used first."""
    return read_slice(db, good_tokens_of(user), params, RefreshToken.id.desc())


def end_one(db: Session, user: User, family: str) -> None:
    """End one of the user's sessions; raises `NotFound` when they have none of that name."""
    lock_owner(db, user.id)
    if db.scalar(good_tokens_of(user).where(RefreshToken.family == family)) is None:
        raise NotFound("Session not found")
    end_family(db, family)


def end_family(db: Session, family: str) -> None:
    """Revoke one session, whose owner is locked."""
    revoke = update(RefreshToken).where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
    db.execute(revoke.values(revoked_at=now()))


def end_all(db: Session, user: User) -> None:
    """End every session of the user: no refresh or access token that is out is of the version that they have then.

    Raises `Unauthorized` when another request did so since the user was read, as what allowed this one has ended too.
    """
    as_read = (User.id == user.id, User.token_version == user.token_version)
    # Nothing that is shown changes, so nor does the time.
    later = {"token_version": User.token_version + 1, "updated_at": User.updated_at}
    ended = db.execute(update(User).where(*as_read).values(later))
    if not cast("CursorResult[Any]", ended).rowcount:
        raise Unauthorized("Invalid or expired token")
