"""A baked project's processes, started as in production and stopped as a platform stops them."""

import contextlib
import http.client
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.commands import CommandFailed
from tests.servers.keeper import free_port

STARTING = 30
# As it is logged for people, and for programs.
BAD_LINE = re.compile(r'\bERROR\b|\[(?:error|critical) *\]|"level": "(?:error|critical)"')
# A worker whose task ends as it is asked to stop may wait 30 s for its own confirmation, in vain.
STOPPING = 60


@contextlib.contextmanager
def serving(project: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Serve the project on a free port and yield the address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running(project, environment, "serve", "--port", str(port), ready=lambda _: answers(address, "/health/ready")):
        yield address


@contextlib.contextmanager
def working(project: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Have a worker do the project's tasks, and a clock queue those that are due."""
    with (
        running(project, environment, "worker", "--processes", "1", ready=lambda log: " ready." in log),
        running(project, environment, "beat", ready=lambda log: "beat: Starting" in log),
    ):
        yield


@contextlib.contextmanager
def running(
    project: Path, environment: Mapping[str, str], *arguments: str, ready: Callable[[str], bool]
) -> Iterator[None]:
    """Start a process of the project; in the end ask it to stop, and require that it does so cleanly.

    `ready` is asked, with what the process has logged, until it says yes.
    """
    # Not through `uv run`, so that the signal reaches the process itself.
    command = (str(project / ".venv/bin/python"), "-m", "app.cli", *arguments)
    log = project / ".pytest_cache" / f"{arguments[0]}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    with killed_in_the_end(process):
        deadline = time.monotonic() + STARTING
        while not ready(read(log)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed(command, project, f"does not {arguments[0]}", read(log))
            time.sleep(0.05)
        yield
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            raise CommandFailed(command, project, f"SIGTERM did not end it in {STOPPING} s", read(log)) from None
        # uvicorn shuts down first and then lets the signal end the process.
        if code not in {0, -signal.SIGTERM}:
            raise CommandFailed(command, project, f"exit code {code} after SIGTERM", read(log))
        wrong = [line for line in read(log).splitlines() if "Traceback" in line or BAD_LINE.search(line)]
        if wrong:
            raise CommandFailed(command, project, "logged an error", read(log))


def answers(address: str, path: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def read(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def killed_in_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
