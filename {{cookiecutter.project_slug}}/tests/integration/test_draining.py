"""A server that is asked to stop while others go on, as its container is."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI

from app import cli
from app.main import create_app
from app.observability import healthcheck
from app.observability.shutdown import drain_on_sigterm
from app.settings import Settings

ROOT = Path(cli.__file__).parents[1]
DRAIN_SECONDS = 1
PATIENCE = 30


@pytest.fixture
def app_of_its_own(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def stops() -> Iterator[list[int]]:
    """What has come through to the server's own handler of SIGTERM, in whose place this one stands."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    yield heard
    signal.signal(signal.SIGTERM, before)


async def heard_after(app: FastAPI, stops: list[int], *, drains: float, signals: int) -> list[int]:
    """Send the signals to a server that drains for so long, and return what it has heard a quarter of a second later."""
    drain_on_sigterm(app, drains)
    for _ in range(signals):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.25)
    return stops


class TestSignal:
    @pytest.mark.parametrize(("drains", "signals", "heard"), [(0.1, 1, 1), (60, 1, 0), (60, 2, 1), (0, 1, 1)], ids=str)
    def test_the_first_begins_to_drain_and_the_second_ends_it(
        self, app_of_its_own: FastAPI, stops: list[int], drains: float, signals: int, heard: int
    ) -> None:
        after = asyncio.run(heard_after(app_of_its_own, stops, drains=drains, signals=signals))
        assert after == [signal.SIGTERM] * heard

    def test_a_server_in_a_thread_is_left_alone(self, app_of_its_own: FastAPI, stops: list[int]) -> None:
        before = signal.getsignal(signal.SIGTERM)
        thread = threading.Thread(target=drain_on_sigterm, args=(app_of_its_own, 60))
        thread.start()
        thread.join()
        assert signal.getsignal(signal.SIGTERM) is before


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


@pytest.mark.slow
def test_a_server_says_that_it_drains_and_answers_until_it_has(schema: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, "DRAIN_SECONDS": str(DRAIN_SECONDS), "TRUSTED_HOSTS": '["localhost"]'}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 - its own command
    try:
        assert until(lambda: healthcheck.answers("ready", port))
        with closing(http.client.HTTPConnection("localhost", port, timeout=5)) as kept:
            kept.request("GET", "/health/live")
            before = kept.getresponse()
            assert (before.read(), before.headers["Connection"]) == (b'{"status":"ok"}', None)
            server.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert until(lambda: not healthcheck.answers("ready", port))
            assert healthcheck.answers("live", port)
            kept.request("GET", "/health/live")
            after = kept.getresponse()
            assert (after.status, after.headers["Connection"]) == (200, "close")
        assert server.wait(PATIENCE) in {0, -signal.SIGTERM}
        assert time.monotonic() - began >= DRAIN_SECONDS
        assert not healthcheck.answers("live", port)
    finally:
        server.kill()
        server.wait()
