"""What MySQL needs: one round trip for the end of a transaction, and bounds on waiting."""

import re
from collections.abc import Callable
from inspect import signature
from time import sleep
from typing import Any

from pymysql.connections import Connection as Driver
from pymysql.constants import ER
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS
from pymysql.err import MySQLError, OperationalError
from sqlalchemy import URL, Connection, DateTime, Engine, LargeBinary, event, text
from sqlalchemy.ext.compiler import compiles

from app.engines.stale import replace_stale

SCHEMES = ("mysql", "mariadb")
DRIVER = "mysql+pymysql"
# Stricter levels lock what lies between the rows.
ISOLATION_LEVEL = "READ COMMITTED"
OPTIONS = {"connect_timeout": 5, "read_timeout": 10, "write_timeout": 10}
# `end_open_transaction` stands in for the pool, which would send ROLLBACK after each COMMIT.
POOL_OPTIONS: dict[str, Any] = {"pool_reset_on_return": None}
# Not AUTOCOMMIT: to turn it on and off again takes four round trips, where a transaction that only reads takes one.
READ_OPTIONS: dict[str, Any] = {}
# What SQLAlchemy adds to the driver's options.
OF_SQLALCHEMY = {"ssl_capath", "ssl_check_hostname", "ssl_cipher"}
# The constraint in a message, behind whatever value a client sent.
VIOLATED = re.compile(r" for key '(?:\w+\.)?(\w+)'$|, CONSTRAINT `(\w+)` FOREIGN KEY \(")
MIGRATION_LOCK_SECONDS = 3
MIGRATION_PAUSE_SECONDS = 1
MIGRATION_ATTEMPTS = 20
READ_ONLY_MODE, STATEMENT_TIMEOUT, QUERY_TIMEOUT = 1836, 1969, 3024
UNAVAILABLE = {
    ER.CON_COUNT_ERROR,
    ER.DISK_FULL,
    ER.LOCK_DEADLOCK,
    ER.LOCK_WAIT_TIMEOUT,
    ER.OPTION_PREVENTS_STATEMENT,
    ER.QUERY_INTERRUPTED,
    ER.RECORD_FILE_FULL,
    ER.SERVER_SHUTDOWN,
    ER.TOO_MANY_USER_CONNECTIONS,
    QUERY_TIMEOUT,
    READ_ONLY_MODE,
    STATEMENT_TIMEOUT,
}


@compiles(DateTime, "mysql")
def date_time(*_: object, **__: object) -> str:
    """Return a type that keeps microseconds."""
    return "DATETIME(6)"


@compiles(LargeBinary, "mysql")
def large_binary(*_: object, **__: object) -> str:
    """Return a type that holds 16 MB, where BLOB ends at 64 kB."""
    return "MEDIUMBLOB"


def prepare(engine: Engine) -> None:
    """Set up every connection the engine opens."""
    replace_stale(engine, socket_of)
    event.listen(engine, "reset", end_open_transaction)


def socket_of(connection: "Driver[Any]") -> int:
    # PyMySQL says nowhere else which it is.
    found: int = connection._sock.fileno()  # type: ignore[attr-defined] # the stubs omit it  # noqa: SLF001
    return found


def end_open_transaction(connection: "Driver[Any]", *_: object) -> None:
    """Roll back what a connection that was not closed has left, when it goes back to the pool."""
    status: int = connection.server_status  # type: ignore[attr-defined] # the stubs omit it
    if status & SERVER_STATUS_IN_TRANS:
        connection.rollback()


def refuse_unknown(url: URL) -> None:
    for name in url.query.keys() - signature(Driver.__init__).parameters.keys() - OF_SQLALCHEMY:
        raise ValueError(f"has the option {name!r}, which the driver lacks")


def migrate(engine: Engine, run: Callable[[Connection], None]) -> None:
    """Run migrations, one process at a time, each statement in a transaction of its own, as this engine changes tables.

    A table that is in use is waited for only briefly, since every request for it waits behind a migration that does: the
    statement is then tried again. Raises `OperationalError` after the last attempt.
    """
    event.listen(engine, "do_execute", execute_patiently)
    with engine.connect() as connection:
        # Asked again and again: the servers do not agree on how to wait without an end.
        while not connection.scalar(text("SELECT GET_LOCK(SHA1(CONCAT(DATABASE(), '.migrations')), 1)")):
            pass
        connection.execute(text(f"SET SESSION lock_wait_timeout = {MIGRATION_LOCK_SECONDS}"))
        # Alembic begins and commits a transaction for each revision where none is open.
        connection.commit()
        run(connection)
        connection.commit()


def execute_patiently(cursor: Any, statement: str, parameters: Any, _context: object) -> bool:
    """Execute a statement in the place of SQLAlchemy, which `True` tells that it was done."""
    for _ in range(1, MIGRATION_ATTEMPTS):
        try:
            cursor.execute(statement, parameters)
        except OperationalError as error:
            if error.args[0] != ER.LOCK_WAIT_TIMEOUT:
                raise
            sleep(MIGRATION_PAUSE_SECONDS)
        else:
            return True
    return False


def violates(error: MySQLError, constraint: str) -> bool:
    found = VIOLATED.search(error.args[1])
    return found is not None and constraint in found.groups()


def is_unavailable(error: BaseException | None, *, connecting: bool) -> bool:
    if connecting and isinstance(error, OperationalError):
        return True
    return isinstance(error, MySQLError) and error.args[0] in UNAVAILABLE
