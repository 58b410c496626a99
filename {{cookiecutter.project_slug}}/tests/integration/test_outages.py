"""What a request is answered while the database is out of reach or busy, and after its tables have changed."""

import logging

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

from app.database import SessionLocal, engine
from tests.client import Client

POST = {"title": "New", "body": "New", "slug": "new"}
OFTEN = 15


def assert_unavailable(client: Client, method: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Expect a 503 that says when to come back, and one line in the log, without a traceback."""
    response = client.request(method, path, json=POST if method == "POST" else None)
    assert (response.status_code, response.json()) == (503, {"detail": "The database is unavailable"})
    assert int(response.headers["Retry-After"]) > 0
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.ERROR, None)
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize(("method", "path"), [("GET", "/posts"), ("POST", "/posts"), ("GET", "/users/me")])
def test_a_database_out_of_reach_is_a_503(
    client: Client, database_down: None, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    assert_unavailable(client, method, path, caplog)


def test_a_pool_without_a_free_connection_is_a_503(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    small = create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    monkeypatch.setitem(SessionLocal.kw, "bind", small)
    with small.connect():
        assert_unavailable(client, "GET", "/posts", caplog)
    small.dispose()


def test_a_column_may_be_widened_while_connections_read_it(schema: None) -> None:
    table = Table("widened", MetaData(), Column("id", Integer, primary_key=True), Column("title", String(100)))
    table.create(engine)
    try:
        with engine.connect() as connection:
            connection.execute(insert(table).values(title="A title"))
            for _ in range(OFTEN):
                connection.scalars(select(table.c.title)).all()
            connection.commit()
            with engine.begin() as other:
                migration = Operations(MigrationContext.configure(other))
                with migration.batch_alter_table("widened") as op:
                    op.alter_column("title", existing_type=String(100), type_=String(200), existing_nullable=True)
            assert connection.scalars(select(table.c.title)).all() == ["A title"]
    finally:
        table.drop(engine)
