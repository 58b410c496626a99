"""A way to Redis that can be cut or fall silent, while Redis itself goes on and keeps its data. A plugin, see `addopts`."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    # Plugins are imported before the settings have their environment.
    from app.cache_store import CacheStore
    from app.settings import Settings

REDIS_PORT = 6379
DEADLINE = 10
LONGEST_SILENCE = 5


class Way(Enum):
    """What becomes of what is sent: it arrives; the connection ends; or nothing happens at all."""

    OPEN = auto()
    CUT = auto()
    SILENT = auto()


class Proxy(ThreadingTCPServer):
    """Stands between the application and Redis.

    `asked` counts what the application sent in vain, and `outlasted` how often it waited until silence itself had an end.
    """

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), Link)
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        self.redis = (parts.hostname or "", parts.port or REDIS_PORT)
        self.url = parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.server_address[1]}").geturl()
        self.way = Way.OPEN
        self.asked = 0
        self.outlasted = 0


class Link(BaseRequestHandler):
    """One connection of the application."""

    server: Proxy
    waits = False

    def handle(self) -> None:
        # Either end may close or break off, as it likes.
        with (
            suppress(OSError),
            socket.create_connection(self.server.redis) as redis,
            selectors.DefaultSelector() as ends,
        ):
            ends.register(self.request, selectors.EVENT_READ, redis)
            ends.register(redis, selectors.EVENT_READ, self.request)
            while self.goes_on(ends.select(LONGEST_SILENCE)):
                pass

    def goes_on(self, ready: list[tuple[selectors.SelectorKey, int]]) -> bool:
        if self.waits and not ready:
            self.server.outlasted += 1
            return False
        return all(self.passed_on(end) for end, _ in ready)

    def passed_on(self, end: selectors.SelectorKey) -> bool:
        """Pass on what has come to one end; return whether the connection goes on."""
        sent = end.fileobj.recv(65536)  # type: ignore[union-attr] # sockets are all that is registered
        if not sent:
            return False
        if self.server.way is Way.OPEN:
            end.data.sendall(sent)
            return True
        self.server.asked += 1
        self.waits = self.server.way is Way.SILENT
        return self.waits


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """Run a proxy; its connections must be closed within."""
    with Proxy(url) as proxy:
        thread = Thread(target=proxy.serve_forever, args=[0.01])
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    with proxy_to(settings.redis_url) as proxy:
        yield proxy
        assert not proxy.outlasted, "the application waits for an answer as long as it takes"


@pytest.fixture
def distant(store: CacheStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheStore]:
    """The application's cache with the same values, but with the proxy on the way to it."""
    distant = type(store)(proxy.url, store.prefix, store.seconds)
    monkeypatch.setattr("app.cache.store", distant)
    yield distant
    # What it has not told Redis is nobody's concern any more.
    distant.missed.clear()
    distant.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < deadline, "it does not come to that"
        sleep(0.01)
