"""uvicorn's HTTP protocol with a bound on connections and timeouts for silent clients.

uvicorn waits for ever for the first request of a connection, for the rest of a head that has begun, and for a client that
does not read its answer. Once a process has all the files open that it may, it serves nobody else. On httptools it also
takes a head of any size, and any number of pipelined requests.
"""

import logging
import resource
from asyncio import TimerHandle, Transport
from contextlib import suppress
from functools import cache
from math import inf
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 5_000
BACKLOG = 128
"""Connections that asyncio accepts at a time, before they can be counted."""
OTHER_FILES = 64
KEEP_ALIVE_SECONDS = 75
"""Longer than proxies keep theirs: who closes first never closes on a request that is on its way."""
HEAD_SECONDS = 15
"""For the head of a connection's first request."""
UNREAD_SECONDS = 90
"""To read a part of an answer, or to have sent the head of the next request."""
MAX_HEAD_BYTES = 65_536
MAX_PIPELINED = 16
BODY_HEADERS = {b"content-length", b"transfer-encoding"}


def allow_many_files() -> None:
    """Let this process, and those that it starts, open as many files as its connections need, if the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + 2 * BACKLOG + OTHER_FILES
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    # Some systems refuse a limit that they call their own.
    with suppress(ValueError, OSError):
        if 0 <= soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@cache
def most_connections() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST_CONNECTIONS, max(files - 2 * BACKLOG - OTHER_FILES, 1)) if files >= 0 else MOST_CONNECTIONS


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection that has been silent for too long, or the one silent for longest where there are too many."""

    # Those without a request, in the order in which they became so.
    silent: ClassVar[dict["BoundedProtocol", None]] = {}
    ended: ClassVar[int] = 0
    next_line: ClassVar[float] = 0.0

    timer: TimerHandle | None = None
    unsent = inf
    unparsed = 0
    """Bytes since the parser last had a whole head or some of a body."""

    @property
    def is_busy(self) -> bool:
        # With an upgrade another protocol takes the connection over.
        upgraded = self.transport.get_protocol() is not self
        return upgraded or (self.cycle is not None and not self.cycle.response_complete)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        self.wait(HEAD_SECONDS)
        if len(self.connections) > most_connections():
            next(iter(self.silent)).make_room()

    def data_received(self, data: bytes) -> None:
        self.unparsed += len(data)
        super().data_received(data)
        if self.unparsed > MAX_HEAD_BYTES:
            self.transport.abort()
        # A client that does not read gains no time by sending.
        if self.is_busy and not self.flow.write_paused:
            self.stop_waiting()

    def on_headers_complete(self) -> None:
        self.unparsed = 0
        # The parser skips the body of a request that asks for another protocol, and would take it for the next request.
        if self.parser.should_upgrade() and any(name in BODY_HEADERS and value != b"0" for name, value in self.headers):
            raise ValueError("a body cannot come with an upgrade")  # which the parser makes a 400
        super().on_headers_complete()
        if len(self.pipeline) > MAX_PIPELINED:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        self.unparsed = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.is_busy:
            self.wait(UNREAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.watch(UNREAD_SECONDS)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.is_busy:
            self.stop_waiting()

    def wait(self, seconds: float) -> None:
        self.silent[self] = None
        self.watch(seconds)

    def watch(self, seconds: float) -> None:
        """End the connection in so many seconds, unless the client reads what it has been sent."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.loop.call_later(seconds, self.give_up)

    def give_up(self) -> None:
        unsent, self.unsent = self.unsent, self.transport.get_write_buffer_size()
        if 0 < self.unsent < unsent:
            self.watch(UNREAD_SECONDS)
        else:
            self.transport.abort()

    def stop_waiting(self) -> None:
        self.silent.pop(self, None)
        if self.timer is not None:
            self.timer.cancel()
        self.timer, self.unsent = None, inf

    def make_room(self) -> None:
        """End the connection, with a line in the log once a second."""
        self.stop_waiting()
        self.transport.abort()
        kind = type(self)
        kind.ended += 1
        if self.loop.time() >= kind.next_line:
            logger.warning("%s silent connections were ended: more than %s are open", kind.ended, most_connections())
            kind.ended, kind.next_line = 0, self.loop.time() + 1
