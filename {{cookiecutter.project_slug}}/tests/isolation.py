"""A transaction for each test, and a check that nothing was committed beside it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import Connection, delete, event, exists, inspect, select
from sqlalchemy.orm import Session

from app.database import Base, SessionLocal, engine
from tests import factories


@contextmanager
def rolled_back() -> Iterator[Session]:
    """Yield a session in a transaction that is rolled back, whatever was committed in it.

    The application's own sessions join the same transaction, each in a savepoint: a request commits by releasing it, and
    an error undoes what that request did and nothing else.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(engine.connect())
        stack.callback(connection.begin().rollback)
        stack.callback(SessionLocal.configure, bind=engine, join_transaction_mode="conditional_savepoint")
        SessionLocal.configure(bind=connection, join_transaction_mode="create_savepoint")
        session = stack.enter_context(SessionLocal())
        stack.callback(setattr, factories.current_session, "session", None)
        factories.current_session.session = session
        yield session


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail where rows were committed and not deleted again, and delete them: the next test is to find none."""
    committed: list[Connection] = []

    def note(connection: Connection) -> None:
        committed.append(connection)

    event.listen(engine, "commit", note)
    try:
        yield
    finally:
        event.remove(engine, "commit", note)
    # Tables are only looked at where something was committed, which is rare.
    tables = tables_with_rows() if committed else []
    if tables:
        delete_all_rows()
        pytest.fail(f"committed rows to {', '.join(tables)}: use `db`, or `server`, which deletes them", pytrace=False)


def tables_with_rows() -> list[str]:
    present = inspect(engine).get_table_names()
    with engine.connect() as connection:
        return [
            table.name
            for table in Base.metadata.sorted_tables
            if table.name in present and connection.scalar(select(exists().select_from(table)))
        ]


def delete_all_rows() -> None:
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(delete(table))
