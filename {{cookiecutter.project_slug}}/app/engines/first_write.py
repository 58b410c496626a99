"""A transaction that begins with its first write: what only reads needs no round trips for one.

At the level of isolation that this project runs at, each statement sees what is committed when it begins, inside of a
transaction and outside: what is read before the first write is the same. Who uses the driver's connection itself
(`raw_connection`, COPY) begins by any statement of text, such as `text("SELECT 1")`, and so does who wants the lock of a
function that reads a table.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Engine, ExecutionContext, Select, event

_READS = re.compile(r"SELECT\b(?!.*\b(?:FOR|LOCK)\b).*\bFROM\b", re.DOTALL)


def begin_with_first_write(engine: Engine, begin: str, is_outside: Callable[[Any], bool]) -> None:
    """Send `begin` before the first statement that may write; `is_outside` tells of a driver's connection whether it has to be.

    A connection that is given a level of isolation by `execution_options` is left alone.
    """

    def before_execute(
        connection: Connection, _cursor: object, statement: str, _values: object, context: ExecutionContext, *_: object
    ) -> None:
        driver = connection.connection.driver_connection
        if statement == begin or only_reads(statement, context) or not is_outside(driver):
            return
        if driver is not None and "isolation_level" not in connection.get_execution_options():
            # Not by the driver's cursor, whose errors SQLAlchemy would not know for its own.
            connection.exec_driver_sql(begin)

    event.listen(engine, "before_cursor_execute", before_execute)


def only_reads(statement: str, context: ExecutionContext) -> bool:
    """Return whether it is a `select()` of tables; SQL that is written as text may do anything."""
    # A cursor on the server needs a transaction around it.
    if context.execution_options.get("stream_results"):
        return False
    return isinstance(context.invoked_statement, Select | CompoundSelect) and is_select(statement)


@lru_cache(maxsize=1000)
def is_select(statement: str) -> bool:
    """Return whether it takes no locks, and calls no function alone."""
    return _READS.match(statement) is not None
