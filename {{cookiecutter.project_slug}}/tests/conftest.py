"""Fixtures: a database session that is undone after each test, and clients that share its transaction."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app import cli
from app.auth.tokens import issue_access_token
from app.main import app as application
from app.models import Role, User
from app.settings import Settings, get_settings
from tests.client import Client
from tests.factories import UserFactory
from tests.isolation import delete_all_rows, nothing_left, rolled_back


@pytest.fixture(scope="session")
def settings() -> Settings:
    return get_settings()


@pytest.fixture(scope="session")
def app() -> FastAPI:
    return application


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Argon2 that costs next to nothing, for hundreds of logins; `unit/test_passwords.py` tests what it has to cost."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHash((Argon2Hasher(memory_cost=16, time_cost=1, parallelism=1),))
        patch.setattr("app.auth.passwords._hasher", cheap)
        yield


@pytest.fixture(scope="session")
def schema(locked_database: None) -> None:
    """Bring the tests' database to the newest revision, and empty what an interrupted run may have left."""
    cli.migrate()
    delete_all_rows()


@pytest.fixture(autouse=True)
def no_rows_left() -> Iterator[None]:
    """Fail a test that commits, instead of a later one that finds its rows."""
    with nothing_left():
        yield


@pytest.fixture
def db(schema: None) -> Iterator[Session]:
    """A session in a transaction that is rolled back after the test, whatever was committed in it."""
    with rolled_back() as session:
        yield session


@pytest.fixture(scope="session")
def running(app: FastAPI) -> Iterator[TestClient]:
    """The application, started once for all tests."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def user(db: Session) -> User:
    return UserFactory(email="user@example.com", name="User")


@pytest.fixture
def other_user(db: Session) -> User:
    return UserFactory(email="other@example.com", name="Other")


@pytest.fixture
def admin(db: Session) -> User:
    return UserFactory(email="admin@example.com", name="Admin", role=Role.ADMIN)


@pytest.fixture
def anon_client(running: TestClient, db: Session) -> Client:
    return Client(running, db)


@pytest.fixture
def client(running: TestClient, db: Session, user: User, settings: Settings) -> Client:
    """A client logged in as `user`."""
    return Client(running, db, issue_access_token(user, settings))


@pytest.fixture
def admin_client(running: TestClient, db: Session, admin: User, settings: Settings) -> Client:
    return Client(running, db, issue_access_token(admin, settings))
