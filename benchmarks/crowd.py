"""500 clients at once against a pool of 5: all must get their answers."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.applications import on_postgresql, pool_of
from benchmarks.load import PATIENCE, Request, require_wrk, run, token_of
from benchmarks.plan import BenchFailed, Plan
from benchmarks.processes import Application, Served, served
from benchmarks.table import Result, Value

CLIENTS = 500
POOL = 5
POSTS = 1000
READ = Request("read by id", "/posts/{n}", clients=CLIENTS)
HOW = (
    f"First, {CLIENTS} clients ask for a post in one moment and wait for up to {PATIENCE} s; then, from a fresh start, they "
    "go on asking for {seconds} s. An error is a refusal; nobody answered where there are no times. The bake has two threads "
    "for requests, so that five connections are what it asks for itself; its peers have the framework's forty."
)


@dataclass(frozen=True)
class Crowd:
    """How many of the clients got their answer, and when the last of them had it."""

    answered: int
    last: float


def measure(plan: Plan) -> Result:
    require_wrk()
    rows: list[list[Value]] = []
    with on_postgresql(plan.folder, POSTS, REQUEST_THREADS="2") as (applications, _):
        if (pool := pool_of(applications[0])) != POOL:
            raise BenchFailed(f"With two threads a bake has {pool} connections, not {POOL}: correct crowd.py.")
        for one in applications:
            rows.append(row(plan, one))
            print(f"  {one.name:28} {rows[-1][1]} of {CLIENTS} answered", flush=True)
    return Result(
        f"{CLIENTS} clients against a pool of {POOL}",
        ["application", "answered", "of", "last after s", "requests/s", "p50 ms", "p99 ms", "errors"],
        rows,
        notes=[HOW.format(seconds=plan.seconds)],
    )


def row(plan: Plan, one: Application) -> list[Value]:
    """Measure one application, started afresh for each: one that is stuck would be stuck for the next too."""
    crowds: list[Crowd] = []
    for _ in range(plan.rounds):
        with served(one, plan.folder) as server:
            crowds.append(asyncio.run(all_at_once(server, token_of(server))))
    with served(one, plan.folder) as server:
        outcome = run(server, READ, seconds=plan.seconds, ids=POSTS)
    worst = min(crowd.answered for crowd in crowds)
    last = statistics.median(crowd.last for crowd in crowds) if worst else None
    times = [outcome.p50, outcome.p99] if outcome.requests else [None, None]
    return [one.name, worst, CLIENTS, last, outcome.rate, *times, outcome.errors]


async def all_at_once(server: Served, token: str) -> Crowd:
    """Connect all clients, let them ask in one moment, and wait for what they get."""
    target = urlsplit(server.address)
    doors = [await asyncio.open_connection(target.hostname, target.port) for _ in range(CLIENTS)]
    begun = time.perf_counter()
    ended = await asyncio.gather(*(ask(door, number, token) for number, door in enumerate(doors)))
    return crowd_of(begun, ended)


def crowd_of(begun: float, ended: Sequence[float | None]) -> Crowd:
    times = [moment for moment in ended if moment is not None]
    return Crowd(len(times), max(times, default=begun) - begun)


async def ask(door: tuple[asyncio.StreamReader, asyncio.StreamWriter], number: int, token: str) -> float | None:
    """Return when the answer was there; None where there was none, or a refusal."""
    reader, writer = door
    head = f"GET /posts/{number % POSTS + 1} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    said = b""
    with suppress(TimeoutError, OSError):
        writer.write(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
        said = await asyncio.wait_for(reader.read(-1), PATIENCE)
    writer.close()
    return time.perf_counter() if said.startswith(b"HTTP/1.1 200 ") else None
