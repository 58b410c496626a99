"""What MySQL needs: no round trips for the transaction of a request that only reads."""

from collections.abc import Callable
from typing import Any

from pymysql.connections import Connection as Driver
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS
from sqlalchemy import Connection, Engine, event

from app.engines.first_write import begin_with_first_write


class LazyConnection(Driver):
    """A connection that ends only those transactions that were begun."""

    def commit(self) -> None:
        if not is_outside(self):
            super().commit()

    def rollback(self) -> None:
        if not is_outside(self):
            super().rollback()


def prepare(engine: Engine) -> None:
    """Set up every connection the engine opens."""
    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkout", configure)
    begin_with_first_write(engine, "BEGIN", is_outside)


def connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> LazyConnection:
    return LazyConnection(*arguments, **options)


def configure(connection: LazyConnection, *_: object) -> None:
    """Leave it to us to begin, whatever level of isolation the last user chose."""
    connection.autocommit(True)


def is_outside(connection: "Driver[Any]") -> bool:
    # The server says so with every statement that writes, begins or ends, if it was told to commit by itself.
    status: int = connection.server_status  # type: ignore[attr-defined] # the stubs omit it
    return connection.get_autocommit() and not status & SERVER_STATUS_IN_TRANS


def migrate(engine: Engine, run: Callable[[Connection], None]) -> None:
    """Run migrations, each statement in a transaction of its own, as this engine changes tables."""
    with engine.connect() as connection:
        run(connection)
        connection.commit()
