"""What PostgreSQL needs: no round trips for the transaction of a request that only reads."""

from psycopg import Connection
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

from app.engines.first_write import begin_with_first_write


def prepare(engine: Engine) -> None:
    """Set up every connection the engine opens."""
    event.listen(engine, "checkout", configure)
    begin_with_first_write(engine, "BEGIN ISOLATION LEVEL READ COMMITTED", is_outside)


def configure(connection: "Connection[object]", *_: object) -> None:
    """Leave it to us to begin, whatever level of isolation the last user chose; the driver then ends only what was begun."""
    if not connection.autocommit:
        connection.autocommit = True


def is_outside(connection: "Connection[object]") -> bool:
    return connection.pgconn.transaction_status == TransactionStatus.IDLE
