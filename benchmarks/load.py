"""Load out of wrk: what is sent, and what came of it."""

import contextlib
import http.client
import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from benchmarks.data import CREDENTIALS
from benchmarks.plan import BenchFailed
from benchmarks.processes import CLIENT_CORE, Served, cpu_seconds, pinned
from tests.client import Api
from tests.servers import apt

SCRIPT = Path(__file__).parent / "load.lua"
PATIENCE = 60
"""Seconds after which a request that has no answer counts as an error."""
MISSING = (
    "The parts that serve need wrk{why}: install it (on Debian and Ubuntu: apt-get install wrk), "
    "or name other parts, such as `make bench ARGS=bake`."
)


@dataclass(frozen=True)
class Request:
    """What every client sends again and again; `{n}` is another id or text each time, see load.lua."""

    name: str
    path: str
    method: str = "GET"
    body: str = ""
    authenticated: bool = True
    clients: int = 32


@dataclass(frozen=True)
class Outcome:
    """What came of one run; times in milliseconds."""

    rate: float
    p50: float
    p99: float
    slowest: float
    errors: int
    requests: int
    cpu: float = 0.0
    """Milliseconds of processor time that the server spent on a request: not much changed by others on the machine."""

    def __str__(self) -> str:
        return f"{self.rate:8.0f} requests/s, p50 {self.p50:7.1f} ms, p99 {self.p99:7.1f} ms, {self.errors} errors, {self.cpu:.2f} ms CPU"


def require_wrk() -> None:
    """Install wrk where it is missing and apt can; raises `BenchFailed` where it can't."""
    why = ""
    if shutil.which("wrk") is None and apt.usable():
        try:
            apt.install(["wrk"])
        except apt.InstallFailed as error:
            why = f" ({error})"
    if shutil.which("wrk") is None:
        raise BenchFailed(MISSING.format(why=why))


def token_of(one: Served) -> str:
    """Log in, and return an access token that is good for longer than any run."""
    connection = http.client.HTTPConnection(urlsplit(one.address).netloc, timeout=PATIENCE)
    with contextlib.closing(connection):
        return str(Api(connection)("POST", "/auth/login", http.client.OK, CREDENTIALS)["access_token"])


def start(one: Served, request: Request, *, seconds: int, ids: int, clients: int = 0) -> "subprocess.Popen[str]":
    """Start wrk on its core."""
    token = token_of(one) if request.authenticated else ""
    command = ["wrk", "--threads", "1", "--connections", str(clients or request.clients)]
    command += ["--duration", f"{seconds}s", "--timeout", f"{PATIENCE}s", "--script", str(SCRIPT), one.address, "--"]
    command += [request.method, request.path, token, str(ids), uuid4().hex, request.body]
    with pinned(CLIENT_CORE):
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(wrk: "subprocess.Popen[str]") -> Outcome:
    with wrk:
        said, _ = wrk.communicate()
    return parsed(said)


def run(one: Served, request: Request, *, seconds: int, ids: int, clients: int = 0) -> Outcome:
    wrk = start(one, request, seconds=seconds, ids=ids, clients=clients)
    before = cpu_seconds(one.process)
    outcome = finish(wrk)
    return replace(outcome, cpu=(cpu_seconds(one.process) - before) * 1000 / max(outcome.requests, 1))


def parsed(said: str) -> Outcome:
    """Return what load.lua has printed; raises `BenchFailed` where wrk has not come that far."""
    line = next((line for line in said.splitlines() if line.startswith("{")), None)
    if line is None:
        raise BenchFailed(f"wrk has measured nothing: {said.strip()}")
    told = json.loads(line)
    rate = told["requests"] / told["seconds"] if told["seconds"] else 0.0
    return Outcome(rate, told["p50"], told["p99"], told["slowest"], told["errors"], told["requests"])
