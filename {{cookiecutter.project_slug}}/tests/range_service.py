"""A service of breached passwords in the tests' own process. A plugin, see `addopts`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
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
    """What is sent; with status 0 the connection ends instead, and an `endless` body is repeated for ever."""

    status: int
    body: bytes = b""
    location: str = ""
    endless: bool = False


class RangeServer(ThreadingHTTPServer):
    """Knows how often each password was seen, once it has given the answers in `first`; hangs until `released` if `silent`.

    `asked` has the head of each request, and `events` the word "asked" for it.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/range"
        self.breached: dict[str, int] = {}
        self.first: list[Answer] = []
        self.asked: list[str] = []
        self.events: list[str] = []
        self.silent = False
        self.released = Event()

    def answer(self, prefix: str) -> Answer:
        if self.first:
            return self.first.pop(0)
        hashes = {sha1(password): count for password, count in self.breached.items()}
        lines = [f"{full[5:]}:{count}" for full, count in hashes.items() if full.startswith(prefix)]
        return Answer(200, "\r\n".join([*lines, PADDING]).encode())


class Handler(BaseHTTPRequestHandler):
    server: RangeServer

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.requestline}\n{self.headers}")
        self.server.events.append("asked")
        if self.server.silent:
            self.server.released.wait(5)
        answer = self.server.answer(self.path.rpartition("/")[2])
        # The application may have hung up.
        with suppress(OSError):
            if answer.status:
                self.send_response(answer.status)
                self.send_header("Location", answer.location)
                self.end_headers()
            self.wfile.write(answer.body)
            while answer.endless:
                self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def range_service(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    """The service that the application asks in this test, where without it it asks none."""
    from app.auth import breaches  # noqa: PLC0415 - it reads the settings

    with RangeServer() as server:
        Thread(target=server.serve_forever, args=[0.01]).start()
        asking = settings.model_copy(update={"breached_passwords_url": server.url})
        monkeypatch.setattr(breaches, "get_settings", lambda: asking)
        yield server
        breaches.service_at.cache_clear()
        server.released.set()
        server.shutdown()
