"""Workers in processes of their own, the queue between them and the tests, and the files of posts that they import."""

import csv
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from kombu.simple import SimpleQueue

from app.worker import celery

ROOT = Path(__file__).parents[1]
HEADER = ("title", "body", "slug")
PATIENCE = 30
# A worker whose task ends as it is asked to stop may wait 30 s for its own confirmation, in vain.
PATIENCE_AT_THE_END = 60
HURRY = 25


def table(*rows: Sequence[str], header: Sequence[str] = HEADER, end: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([header, *rows])
    return text.getvalue().encode()


def numbered(count: int) -> bytes:
    """Return a file of good rows: the one of the line n has the slug `slug-n`."""
    return table(*((f"Title {line}", "Body", f"slug-{line}") for line in range(2, count + 2)))


def form(document: bytes) -> dict[str, Any]:
    """Return the argument of a request that uploads the file."""
    return {"files": {"file": ("posts.csv", document, "text/csv")}}


def taken(queue: SimpleQueue) -> list[tuple[str, list[Any]]]:
    """Take what is queued: the name of each task and its arguments."""
    calls = []
    with suppress(queue.Empty):
        while message := queue.get_nowait():
            message.ack()
            calls.append((message.headers["task"], message.payload[0]))
    return calls


@contextmanager
def queue_down(*, silent: bool = False) -> Iterator[socket.socket]:
    """Let Celery look for its broker at a port where nobody listens, or where somebody does and says nothing."""
    eager = celery.conf.task_always_eager
    with pytest.MonkeyPatch.context() as patch, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        if silent:
            nobody.listen()
            # As patient as in production, but in less time.
            shorter = {name: value / HURRY for name, value in celery.conf.broker_transport_options.items()}
            patch.setitem(celery.conf, "broker_transport_options", shorter)
        # Celery itself looks there first.
        patch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{nobody.getsockname()[1]}/0")
        connect_anew(eager=False)
        yield nobody
    connect_anew(eager=eager)


def connections_to(listening: socket.socket) -> int:
    """Return how many were made since it was last asked."""
    listening.setblocking(False)
    count = 0
    with suppress(OSError):
        while True:
            listening.accept()[0].close()
            count += 1
    return count


def connect_anew(*, eager: bool) -> None:
    celery.conf.task_always_eager = eager
    del celery.amqp


def eventually(condition: Callable[[], bool]) -> bool:
    """Return whether it becomes true in time."""
    deadline = time.monotonic() + PATIENCE
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return met


@dataclass
class Process:
    """A process of the command line and those that it has forked, and what they say."""

    popen: subprocess.Popen[bytes]
    log: IO[str]

    @property
    def said(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def ended(self, number: signal.Signals) -> int:
        """Send it a signal and return the code with which it ends."""
        self.popen.send_signal(number)
        return self.popen.wait(PATIENCE_AT_THE_END)

    def killed(self) -> None:
        """End all of it at once, as a machine that fails does."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(PATIENCE)


@contextmanager
def running(*command: str) -> Iterator[Process]:
    """Run `python -m app.cli`, with the database and the queue of this process."""
    line = [sys.executable, "-m", "app.cli", *command]
    env = {**os.environ, "LOG_LEVEL": "INFO"}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        popen = subprocess.Popen(line, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 - its own command
        process = Process(popen, log)
        try:
            yield process
        finally:
            if popen.poll() is None:
                process.killed()
