"""Rows that are committed, for tests of requests at the same time; the fixture `server` deletes them afterwards."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth import one_time_tokens, sessions
from app.auth.tokens import issue_access_token
from app.database import SessionLocal
from app.models import Purpose, Role, User
from app.settings import Settings
from tests.factories import PASSWORD, known_hash

FAMILY = "f" * 32


def add_users(settings: Settings, *emails: str, role: Role = Role.USER) -> list[dict[str, str]]:
    """Commit users, and return the headers by which each is known."""
    with SessionLocal.begin() as session:
        added = [User(email=email, name="Name", password_hash=known_hash(PASSWORD), role=role) for email in emails]
        session.add_all(added)
        session.flush()
        return [{"Authorization": f"Bearer {issue_access_token(user, settings)}"} for user in added]


def add_session(settings: Settings, email: str) -> str:
    """Commit a session of the user with this address, and return its refresh token."""
    with SessionLocal.begin() as db:
        return sessions.add_token(db, with_email(db, email), FAMILY, settings)


def add_one_time_token(settings: Settings, email: str, purpose: Purpose) -> str:
    """Commit a mailed token of the user with this address, and return its text."""
    with SessionLocal.begin() as db:
        return one_time_tokens.issue(db, with_email(db, email), purpose, settings)


def with_email(db: Session, email: str) -> User:
    return db.scalars(select(User).where(User.email == email)).one()
