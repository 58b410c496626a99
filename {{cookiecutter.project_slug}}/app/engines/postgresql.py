"""What PostgreSQL needs: no round trips for the transaction of a request that only reads."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, event

from app.engines.first_write import begin_with_first_write

if TYPE_CHECKING:
    from psycopg import Connection as Driver


def prepare(engine: Engine) -> None:
    """Set up every connection the engine opens."""
    event.listen(engine, "checkout", configure)
    begin_with_first_write(engine, "BEGIN ISOLATION LEVEL READ COMMITTED", is_outside)


def configure(connection: "Driver[object]", *_: object) -> None:
    """Leave it to us to begin, whatever level of isolation the last user chose; the driver then ends only what was begun."""
    if not connection.autocommit:
        connection.autocommit = True


def is_outside(connection: "Driver[object]") -> bool:
    return connection.pgconn.transaction_status == TransactionStatus.IDLE


def migrate(engine: Engine, run: Callable[[Connection], None]) -> None:
    """Run migrations in one transaction."""
    with engine.connect() as connection:
        run(connection)
        connection.commit()
