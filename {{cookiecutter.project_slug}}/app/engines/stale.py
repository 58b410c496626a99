"""Replaces connections that were lost while nobody used them, before a request sends its first statement."""

from collections.abc import Callable
from select import POLLIN, poll
from time import monotonic
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

IDLE_SECONDS = 5
"""After so long without use a connection is pinged, because firewalls and failovers drop idle ones without a word."""
_IDLE_SINCE = "idle_since"


def replace_stale(engine: Engine, fileno: Callable[[Any], int]) -> None:
    """Have the pool reconnect where `fileno` of a driver's connection has an end of file, or a ping of an idle one fails."""

    def checkin(_connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info[_IDLE_SINCE] = monotonic()

    def checkout(connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
        idle_since = entry.info.pop(_IDLE_SINCE, None)
        if idle_since is None:
            return
        # A server has nothing to say to a connection that asked nothing: what can be read is the end.
        if is_readable(fileno(connection)) or (monotonic() - idle_since > IDLE_SECONDS and not answers(connection)):
            raise InvalidatePoolError

    def answers(connection: Any) -> bool:
        try:
            return engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            return False

    event.listen(engine, "checkin", checkin)
    event.listen(engine, "checkout", checkout)


def is_readable(fileno: int) -> bool:
    waiting = poll()
    waiting.register(fileno, POLLIN)
    return bool(waiting.poll(0))
