"""A service of breached passwords in the tests' own process. A plugin, see `addopts`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # Plugins are imported before the settings have their environment.
    from app.settings import Settings

PADDING = "0" * 35 + ":0"


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@dataclass
class Answer:
    """What is sent, for ever again if it is `endless`; with status 0 the connection ends instead."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False

    def __str__(self) -> str:
        return f"{self.status} {self.body.decode(errors='replace')}"


class RangeServer(ThreadingHTTPServer):
    """Knows how often each password was seen; gives the answers in `first` before it tells.

    `asked` has the head of each request, `events` what a test puts beside the word that one came, `connections` counts what they came over, and a `silent` one says nothing before
    it is `released`.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/range"
        self.breached: dict[str, int] = {}
        self.first: list[Answer] = []
        self.asked: list[str] = []
        self.events: list[str] = []
        self.connections = 0
        self.silent = False
        self.released = Event()

    @property
    def paths(self) -> list[str]:
        return [head.split()[1] for head in self.asked]

    def answer(self, prefix: str) -> Answer:
        if self.first:
            return self.first.pop(0)
        hashes = {sha1(password): count for password, count in self.breached.items()}
        lines = [f"{full[5:]}:{count}" for full, count in hashes.items() if full.startswith(prefix)]
        return Answer(200, "\r\n".join([*lines, PADDING]).encode())


class Handler(BaseHTTPRequestHandler):
    """One connection, over which several requests may come."""

    server: RangeServer
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: the second of two would wait until the first is acknowledged.
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.requestline}\n{self.headers}")
        self.server.events.append("asked")
        if self.server.silent:
            self.server.released.wait(5)
        answer = self.server.answer(self.path.rpartition("/")[2])
        # The application may have hung up.
        with suppress(OSError):
            self.send(answer)

    def send(self, answer: Answer) -> None:
        if not answer.status:
            self.close_connection = True
            return
        self.send_response(answer.status)
        end = {"Connection": "close"} if answer.endless else {"Content-Length": str(len(answer.body))}
        for name, value in (end | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        while answer.endless:
            self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def range_server() -> Iterator[RangeServer]:
    with RangeServer() as server:
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def range_service(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    """The service that the application asks in this test, where without it it asks none."""
    from app.auth import breaches  # noqa: PLC0415 - it reads the settings

    with range_server() as server:
        asking = settings.model_copy(update={"breached_passwords_url": server.url})
        monkeypatch.setattr(breaches, "get_settings", lambda: asking)
        monkeypatch.setattr(breaches, "BACKOFF_SECONDS", 0)
        yield server
        breaches.service_at.cache_clear()
