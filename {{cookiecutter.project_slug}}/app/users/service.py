"""The rules about users."""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.api.errors import Conflict, Forbidden, invalid_field
from app.api.fields import PathId
from app.api.pagination import PageParams, Slice, read_slice
from app.auth import accounts, mails, sessions
from app.auth.breaches import refuse_breached
from app.auth.passwords import hash_password, verify_password
from app.auth.schemas import UserRead

# {%- if cookiecutter.use_redis +%}
from app.cache import cached, forget

# {%- endif +%}
from app.database import SessionDep, reading
from app.models import Post, Role, User
from app.rate_limiting.limiter import RateLimiter

ADMINS_ONLY = frozenset({"role", "is_active"})
POSTS_DELETED_AT_ONCE = 1000
"""A statement may take 10 seconds (`app.engines`), within which a database does not delete any number of posts."""


def update_user(db: Session, actor: User, user: User, changes: dict[str, Any], limiter: RateLimiter) -> User:
    """Change the given fields; raises `Forbidden` for an admin's field.

    Raises `Conflict` when the address is taken, and when it would leave no active admin.

    A new address has to be verified, and the former one is told of it; raises `TooManyRequests` where there were too many,
    since each is mailed to somebody.
    """
    if not actor.is_admin and (refused := ADMINS_ONLY & changes.keys()):
        raise Forbidden(f"Only an admin may change {' and '.join(sorted(refused))}")
    former = user.email
    deactivated = user.is_active and not changes.get("is_active", True)
    if deactivated or changes.get("role", Role.ADMIN) is not Role.ADMIN:
        keep_an_admin(db, user)
    if deactivated:
        # As a new password does: no token that is out now is good again once the user is reactivated.
        user.token_version = User.token_version + 1
    for name, value in changes.items():
        setattr(user, name, value)
    if user.email == former:
        accounts.flush_email(db)
        return user
    limiter.mail("new-address", str(user.id))
    # Both are told, and either may be somebody else's.
    limiter.mail("mail", former)
    limiter.mail("mail", user.email)
    user.email_verified_at = None
    # Written though it may have been so when it was read: somebody may have verified the former address since.
    flag_modified(user, "email_verified_at")
    accounts.flush_email(db)
    mails.send(db, "email_changed", former)
    mails.send(db, "verify_email", user.email)
    return user


def change_password(db: Session, user: User, current_password: str, new_password: str) -> None:
    """Set a new password and end every session; raises `Forbidden` when the current one is wrong.

    Of two changes at once, the second is refused with `Unauthorized`: the first has ended its access token.
    """
    right, _ = verify_password(current_password, user.password_hash)
    if not right:
        raise Forbidden("The current password is wrong")
    if new_password.lower() == user.email:
        raise invalid_field("new_password", "the password must not be the e-mail address")
    # Last of what refuses, since another machine is asked. The connection that the caller was read over is held, but it
    # is one that no other thread waits for.
    refuse_breached(new_password, "new_password")
    user.password_hash = hash_password(new_password)
    sessions.end_all(db, user)
    mails.send(db, "password_changed", user.email)


def list_users(db: Session, params: PageParams) -> Slice[User]:
    """Return a page of all users, oldest first."""
    return read_slice(db, select(User), params, User.id)


def read_user(db: Session, user_id: int) -> UserRead | None:
    """Return the user as they see themselves, and as they are now: not as the request may have read them before."""
    user = db.get(User, user_id, populate_existing=True)
    return None if user is None else UserRead.model_validate(user)


# {% if cookiecutter.use_redis %}
@cached(User, UserRead)
# {% endif %}
def load_shown_user(user_id: PathId, db: SessionDep) -> UserRead | None:
    """Return the user as they see themselves, whoever asks."""
    with reading(db):
        return read_user(db, user_id)


def delete_user(db: Session, user: User) -> None:
    """Delete the user and their posts; the database deletes their sessions with them.

    Raises `Conflict` when it would leave no active admin.
    """
    keep_an_admin(db, user)
    delete_posts_of(db, user)
    db.delete(user)
    db.flush()


def delete_posts_of(db: Session, author: User) -> None:
    # While the author is locked nobody adds another post. Some engines lock with a savepoint only.
    with db.begin_nested():
        db.execute(select(User.id).where(User.id == author.id).with_for_update())
    some = select(Post.id).where(Post.author_id == author.id).limit(POSTS_DELETED_AT_ONCE)
    ids = db.scalars(some).all()
    while ids:
        db.execute(delete(Post).where(Post.id.in_(ids)))
        # {% if cookiecutter.use_redis %}
        forget(db, Post, ids)
        # {% endif %}
        ids = db.scalars(some).all() if len(ids) == POSTS_DELETED_AT_ONCE else ()


def keep_an_admin(db: Session, leaving: User) -> None:
    """Raise `Conflict` where the user is the last active admin; of two who leave at once, one waits here for the other."""
    if not (leaving.is_admin and leaving.is_active):
        return
    admins = (User.role == Role.ADMIN, User.is_active)
    # A write, not `FOR UPDATE`: it locks on every engine.
    lock = update(User).where(*admins).values(updated_at=User.updated_at)
    db.execute(lock.execution_options(synchronize_session=False))
    if db.scalar(select(User.id).where(*admins, User.id != leaving.id).limit(1)) is None:
        raise Conflict("The last active admin can't be demoted, deactivated or deleted")
