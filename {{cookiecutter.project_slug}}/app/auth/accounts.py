"""Finding and adding accounts."""

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import engines
from app.api.errors import Conflict
from app.auth.breaches import refuse_breached
from app.auth.passwords import hash_password
from app.auth.schemas import UserRegister
from app.models import Role, User

EMAIL_TAKEN = "A user with this e-mail address already exists"
# Made once: every request with a token asks it, and to put a statement together takes as long as to execute it.
BY_ID = select(User).where(User.id == bindparam("id"))


def find_by_id(db: Session, user_id: int) -> User | None:
    return db.scalar(BY_ID, {"id": user_id})


def find_by_email(db: Session, email: str) -> User | None:
    """Return the user with this address in any case, if there is one."""
    return db.scalar(select(User).where(User.email == email.lower()))


def create_user(db: Session, data: UserRegister, *, role: Role = Role.USER, is_active: bool = True) -> User:
    """Add a user; raises `Conflict` when the address is taken."""
    # Asked and hashed before the first write, so that no lock is held meanwhile.
    refuse_breached(data.password)
    password_hash = hash_password(data.password)
    user = User(email=data.email, name=data.name, password_hash=password_hash, role=role, is_active=is_active)
    db.add(user)
    flush_email(db)
    return user


def flush_email(db: Session) -> None:
    """Flush, and leave it to the unique constraint, which alone knows of requests at the same time, whether it may."""
    try:
        db.flush()
    except IntegrityError as error:
        if engines.violates(error, "uq_users_email"):
            raise Conflict(EMAIL_TAKEN) from None
        raise
