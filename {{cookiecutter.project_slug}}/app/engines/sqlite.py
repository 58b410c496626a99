"""What SQLite needs to behave like a server: foreign keys, keys given once, many readers, savepoints that roll back."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from tempfile import gettempdir
from typing import Any

from sqlalchemy import URL, BigInteger, Connection, Engine, Table, event, make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles

SCHEMES = ("sqlite",)
DRIVER = "sqlite"
ISOLATION_LEVEL = "SERIALIZABLE"
# How long to wait for a lock.
OPTIONS = {"timeout": 15}
POOL_OPTIONS: dict[str, Any] = {}
# Not AUTOCOMMIT: the driver begins a transaction with the first write anyway, and afterwards it would no longer do so by
# BEGIN IMMEDIATE.
READ_OPTIONS: dict[str, Any] = {}
KNOWN = {"cached_statements", "check_same_thread", "detect_types", "isolation_level", "timeout", "uri"}
# The primary codes of errors that are about the file, not about the statement.
UNAVAILABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
}
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - nothing is written there, on the contrary


def prepare(engine: Engine) -> None:
    """Set up every connection the engine opens."""
    event.listen(engine, "connect", configure)
    event.listen(engine, "savepoint", begin_before_savepoint)


def refuse_unknown(url: URL) -> None:
    # Others of a URI are for SQLite itself.
    if "uri" not in url.query:
        for name in url.query.keys() - KNOWN:
            raise ValueError(f"has the option {name!r}, which the driver lacks")


def is_unavailable(error: BaseException | None, **_: object) -> bool:
    # The extended code has the primary one in its lower byte.
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in UNAVAILABLE


def violates(error: sqlite3.Error, constraint: str) -> bool:
    """Tell by the columns, since SQLite names no constraint, and by the kind for a foreign key, of which it names nothing."""
    kind, _, columns = str(error).partition(" constraint failed: ")
    table = columns.partition(".")[0]
    name = f"uq_{table}_{columns.replace(f'{table}.', '').replace(', ', '_')}"
    return name == constraint if kind == "UNIQUE" else kind.startswith("FOREIGN KEY") and constraint.startswith("fk_")


@compiles(BigInteger, "sqlite")
def big_integer(*_: object, **__: object) -> str:
    """Return the one type of a key that SQLite generates; it holds 64 bits all the same."""
    return "INTEGER"


@event.listens_for(Table, "before_create")
def choose_keys(table: Table, *_: object, **__: object) -> None:
    """Keep the key of a deleted row from being given to a new one: the tokens of a user outlive them.

    Where several columns are the key, the table is in its order, and has no other.
    """
    given = len(table.primary_key) == 1
    table.dialect_options["sqlite"].update(autoincrement=given, with_rowid=given)


def configure(connection: SQLiteConnection, _record: object) -> None:
    """Take the write lock with the first write, wait for it, and never read through it."""
    # The driver then begins a transaction before the first write and takes the lock at once. A transaction that
    # began as a reader could not be upgraded after somebody else's commit, however long it waited.
    connection.isolation_level = "IMMEDIATE"
    connection.create_function("lower", 1, lower, deterministic=True)
    for pragma in (
        "foreign_keys = ON",
        "journal_mode = WAL",
        "synchronous = NORMAL",
    ):
        connection.execute(f"PRAGMA {pragma}")


def lower(value: str | None) -> str | None:
    """Stand in for SQLite's own `lower`, which knows ASCII only: letter by letter, as the other engines do."""
    # Python has another small sigma at the end of a word, and two characters for a small dotted I.
    return None if value is None else str(value).replace("Σ", "σ").replace("İ", "i").lower()


def begin_before_savepoint(connection: Connection, _name: str) -> None:
    """Open the transaction that the driver does not open for a savepoint: without it RELEASE would commit."""
    driver = connection.connection.driver_connection
    if isinstance(driver, SQLiteConnection) and not driver.in_transaction:
        # Through SQLAlchemy, which knows its own errors.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(engine: Engine, run: Callable[[Connection], None]) -> None:
    """Run migrations in one transaction, with foreign keys off: dropping a table that was copied must not cascade.

    A foreign key that refers to no row in the end raises `IntegrityError`, and nothing has changed.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        # The driver begins a transaction for rows only, not for tables.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            last_keys = read_last_keys(connection)
            run(connection)
            keep_last_keys(connection, last_keys)
            check_foreign_keys(connection)
            connection.commit()
        finally:
            # The next connection has foreign keys on again.
            connection.invalidate()


def read_last_keys(connection: Connection) -> dict[str, int]:
    """Return the highest key that was ever given in each table."""
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").all():
        return {}
    return {row.name: row.seq for row in connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")}


def keep_last_keys(connection: Connection, last_keys: dict[str, int]) -> None:
    """Give no key of a deleted row again: the copy of a table only knows the rows that were there."""
    for name, key in last_keys.items():
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ? AND seq < ?", (name, key))
        connection.exec_driver_sql(
            "INSERT INTO sqlite_sequence SELECT name, ? FROM sqlite_master WHERE type = 'table' AND name = ?"
            " AND name NOT IN (SELECT name FROM sqlite_sequence)",
            (key, name),
        )


def check_foreign_keys(connection: Connection) -> None:
    violations = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if violations:
        table, key, referred, _ = violations[0]
        message = f"{len(violations)} foreign keys refer to no row, as of row {key} of {table} to {referred}"
        raise IntegrityError("PRAGMA foreign_key_check", None, Exception(message))


def temporary_folder(url: str) -> Path | None:
    """Return the folder for temporary files that the database is in.

    A project that was itself put into one has folders of its own: what lies within the current folder is no matter.
    """
    file = Path((make_url(url).database or "").removeprefix("file:")).resolve()
    here = Path.cwd()
    for folder in [Path(name).resolve() for name in (gettempdir(), *TEMPORARY)]:
        if folder in file.parents and not (folder in here.parents and here in file.parents):
            return folder
    return None
