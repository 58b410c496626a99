"""A baked project's server, started as in production and stopped as a platform stops it."""

import contextlib
import http.client
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.commands import CommandFailed
from tests.servers.keeper import free_port

STARTING = 30
STOPPING = 15


@contextlib.contextmanager
def serving(project: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Serve the project on a free port, yield the address, then ask it to stop and require that it does so cleanly."""
    port = free_port()
    # Not through `uv run`, so that the signal reaches the server itself.
    command = (str(project / ".venv/bin/python"), "-m", "app.cli", "serve", "--port", str(port))
    log = project / ".pytest_cache" / "serve.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    with killed_in_the_end(process):
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + STARTING
        while not is_ready(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed(command, project, "does not serve", read(log))
            time.sleep(0.05)
        yield address
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            raise CommandFailed(command, project, f"SIGTERM did not end it in {STOPPING} s", read(log)) from None
        # uvicorn shuts down first and then lets the signal end the process.
        if code not in {0, -signal.SIGTERM}:
            raise CommandFailed(command, project, f"exit code {code} after SIGTERM", read(log))
        wrong = [line for line in read(log).splitlines() if "Traceback" in line or "ERROR" in line]
        if wrong:
            raise CommandFailed(command, project, "logged an error", read(log))


def is_ready(address: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/health/ready")
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
