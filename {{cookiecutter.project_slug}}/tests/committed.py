"""Rows that are committed, for tests of requests at the same time; the fixture `server` deletes them afterwards."""

from sqlalchemy import select

from app.auth import sessions
from app.auth.tokens import issue_access_token
from app.database import SessionLocal
from app.models import Role, User
from app.settings import Settings
from tests.factories import PASSWORD, known_hash


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
        return sessions.add_token(db, db.scalars(select(User).where(User.email == email)).one(), "family", settings)
