"""What PostgreSQL needs: no round trips for the transaction of a request that only reads, and bounds on waiting."""

from collections.abc import Callable
from contextlib import suppress
from time import sleep
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.errors import LockNotAvailable
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import OperationalError

from app.engines.stale import replace_stale

# Hosting providers don't agree on one.
SCHEMES = ("postgresql", "postgres")
DRIVER = "postgresql+psycopg"
# Stricter levels may refuse a commit that then has to be tried again.
ISOLATION_LEVEL = "READ COMMITTED"
OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    # For a statement. It is the client's own, since a connection pooler takes no settings of the server's.
    "read_timeout": 10,
    # How long what was sent may stay unacknowledged, in milliseconds, and when an idle connection is probed.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    # Prepared statements fail once a migration changes their columns, and behind a pooler that shares connections.
    "prepare_threshold": None,
}
POOL_OPTIONS: dict[str, Any] = {}
# No round trips for BEGIN and ROLLBACK. The driver turns it on and off without one.
READ_OPTIONS: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
# Of psycopg, or of this project; all others are libpq's.
OTHERS = {"prepare_threshold", "read_timeout"}
CANCEL_SECONDS = 1
MIGRATION_LOCK_SECONDS = 3
MIGRATION_PAUSE_SECONDS = 1
MIGRATION_ATTEMPTS = 20
# Connection, resources, rollback (deadlock), operator, system; a lock that is not available, a server that only reads.
UNAVAILABLE = ("08", "53", "40", "57", "58", "55P03", "25006")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits for a statement for `read_timeout` seconds, whatever it is that keeps the server."""

    read_timeout: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, timeout or self.read_timeout or None)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # A server that is only slow is told not to go on.
                with suppress(psycopg.Error):
                    self.cancel_safe(timeout=CANCEL_SECONDS)
                self.close()
            raise


def prepare(engine: Engine) -> None:
    """Set up every connection the engine opens."""
    event.listen(engine, "do_connect", connect)
    replace_stale(engine, psycopg.Connection.fileno)


def refuse_unknown(url: URL) -> None:
    for name in url.query.keys() - OTHERS:
        try:
            make_conninfo(**{name: ""})
        except psycopg.ProgrammingError:
            raise ValueError(f"has the option {name!r}, which the driver lacks") from None


def connect(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> BoundedConnection:
    connection = BoundedConnection.connect(**{name: value for name, value in options.items() if name != "read_timeout"})
    connection.read_timeout = options.get("read_timeout")
    return connection


def migrate(engine: Engine, run: Callable[[Connection], None]) -> None:
    """Run migrations in one transaction, one process at a time.

    A table that is in use is waited for only briefly, since every request for it waits behind a migration that does: all
    of it is then undone and tried again. Raises `OperationalError` after the last attempt.
    """
    event.listen(engine, "begin", limit_lock_waits)
    for attempt in range(1, MIGRATION_ATTEMPTS + 1):
        # The lock is of a transaction, since a connection pooler would keep that of a session, and of another one, since
        # Alembic has to begin its own to be able to leave it: CREATE INDEX CONCURRENTLY runs in none.
        with engine.connect() as guard, engine.connect() as connection:
            # Asked again and again: to wait in a statement would keep an index from being created concurrently.
            while not guard.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('migrations'))")):
                guard.rollback()
                sleep(MIGRATION_PAUSE_SECONDS)
            try:
                run(connection)
                connection.commit()
                break
            except OperationalError as error:
                if not isinstance(error.orig, LockNotAvailable) or attempt == MIGRATION_ATTEMPTS:
                    raise
        sleep(MIGRATION_PAUSE_SECONDS)


def limit_lock_waits(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_SECONDS}s'")


def violates(error: psycopg.Error, constraint: str) -> bool:
    return error.diag.constraint_name == constraint


def is_unavailable(error: BaseException | None, *, connecting: bool) -> bool:
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return connecting and isinstance(error, psycopg.OperationalError)
    return error.sqlstate.startswith(UNAVAILABLE)
