"""What several integration tests share: a server for those that really commit, other settings, and who asks for what."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database import SessionLocal, engine
from app.main import create_app
from app.settings import Settings
from tests.client import Client
from tests.integration.test_access import caller, headers, ids
from tests.isolation import delete_all_rows
from tests.lines import lines
from tests.migrating import config, spare_database, spare_db
from tests.throttling import reset_rate_limits

__all__ = ["caller", "config", "headers", "ids", "lines", "spare_database", "spare_db"]

NOWHERE = "/no/such/folder/or/database_test"


@pytest.fixture
def server(schema: None, running: TestClient) -> Iterator[TestClient]:
    """The application on the real engine; what it commits is deleted after the test."""
    try:
        yield running
    finally:
        delete_all_rows()


@pytest.fixture
def client_with(running: TestClient, db: Session, settings: Settings) -> Callable[..., Client]:
    """Return what makes a client of an application with other settings, which gets an answer where that one raises."""

    def make(token: str | None = None, **changes: Any) -> Client:
        app = create_app(settings.model_copy(update=changes))
        reset_rate_limits(app)
        one = TestClient(app)
        one.portal = running.portal
        return Client(one, db, token, raise_server_exceptions=False)

    return make


@pytest.fixture
def database_down(db: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Send the application's sessions, and not the test's, to a database that cannot be reached."""
    unreachable = create_engine(engine.url.set(database=NOWHERE))
    with pytest.raises(OperationalError):
        unreachable.connect()
    monkeypatch.setitem(SessionLocal.kw, "bind", unreachable)
    yield
    unreachable.dispose()
