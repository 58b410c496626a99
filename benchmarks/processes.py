"""Processes that are measured: each on a core of its own, started on a free port and ended with us."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from benchmarks.plan import BenchFailed
from tests.commands import environment
from tests.production import answers, killed_in_the_end, read
from tests.servers.keeper import free_port

STARTING = 30
STOPPING = 10
SERVER_CORE = 0
CLIENT_CORE = 1
"""Places in the list of the cores that we may use; the databases are left to the system."""


@dataclass(frozen=True)
class Application:
    """What can be served: a bake or a peer."""

    name: str
    folder: Path
    command: tuple[str, ...]
    """A port is added to it."""
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Served:
    """An application that answers."""

    name: str
    address: str
    process: int


@contextlib.contextmanager
def pinned(place: int) -> Iterator[None]:
    """Let processes that are started meanwhile run on one core only, where the system can and there are enough."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if place >= len(cores):
        yield
        return
    # A child has what its parent has when it starts; to set it afterwards would miss threads that are already there.
    os.sched_setaffinity(0, {cores[place]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def served(application: Application, logs: Path) -> Iterator[Served]:
    """Serve the application on a free port and yield it once it answers."""
    port = free_port()
    command = (*application.command, "--port", str(port))
    log = logs / f"{application.name.replace(' ', '-')}-{port}.log"
    with log.open("wb") as output, pinned(SERVER_CORE):
        process = subprocess.Popen(
            command,
            cwd=application.folder,
            env=environment(application.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    with killed_in_the_end(process):
        one = Served(application.name, f"http://127.0.0.1:{port}", process.pid)
        deadline = time.monotonic() + STARTING
        while not answers(one.address, "/health/live"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchFailed(f"{application.name} does not serve:\n{read(log)[-2000:]}")
            time.sleep(0.05)
        yield one
        process.terminate()
        # One that is stuck, which is among what is measured, is killed.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOPPING)


def memory(process: int) -> float:
    """Return the MiB that the process has in memory; 0 where the system keeps no such file."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def cpu_seconds(process: int) -> float:
    """Return the processor time that the process has used; 0 where the system keeps no such file."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    # The 14th and 15th of proc(5), of which the first two end with the bracket.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Watch:
    """Looks at the memory of a process ten times a second, until it is left."""

    process: int
    most: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def look(self) -> None:
        while True:
            self.most = max(self.most, memory(self.process))
            if self.stop.wait(0.1):
                return
