"""What Prometheus reads at `/metrics`: requests, connections, and how much is queued.

Where a server has several processes, each writes its numbers into a file of `PROMETHEUS_MULTIPROC_DIR`, and whichever is
asked adds them up.
"""

import os
from collections.abc import Awaitable, Callable
from functools import lru_cache
from hmac import compare_digest
from pathlib import Path

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as text_of
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

from app import database
from app.api.dependencies import SettingsDep
from app.api.errors import Unauthorized
from app.observability.checks import Question

router = APIRouter(include_in_schema=False)

PATH = "/metrics"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
PATIENCE_SECONDS = 10
TAKEN = "taken"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

requests = Counter("http_requests", "Answers", ("method", "route", "status"))
seconds = Histogram("http_request_duration_seconds", "Time until an answer was sent", ("method", "route"))
in_use = Gauge("database_connections_in_use", "Connections that work is done on", multiprocess_mode="livesum")
largest = Gauge("database_connections_max", "Connections that there may be", multiprocess_mode="livesum")
largest.set(database.engine.pool.size())  # type: ignore[attr-defined] # the pools of all engines have one


@event.listens_for(database.engine, "checkout")
def take(_connection: object, entry: ConnectionPoolEntry, _proxy: object) -> None:
    entry.info[TAKEN] = True
    in_use.inc()


@event.listens_for(database.engine, "checkin")
def give_back(_connection: object, entry: ConnectionPoolEntry) -> None:
    # One that could not connect again is given back without having been taken.
    if entry.info.pop(TAKEN, False):
        in_use.dec()


def count(method: str, route: str, status: int, duration: float) -> None:
    """Count an answer; `route` is none that clients can choose."""
    counter, histogram = metrics_of(method if method in METHODS else "other", route, status)
    counter.inc()
    histogram.observe(duration)


@lru_cache(maxsize=10_000)
def metrics_of(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return requests.labels(method, route, str(status)), seconds.labels(method, route)


def collected() -> bytes:
    folder = os.environ.get(FOLDER)
    if folder is None:
        return text_of(REGISTRY)
    forget_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)
    return text_of(together)


def forget_dead(folder: Path) -> None:
    """Count no connections of processes that are gone, where the system lists those that are not."""
    for file in folder.glob("gauge_live*.db"):
        pid = file.stem.rpartition("_")[2]
        if Path("/proc/self").exists() and not Path("/proc", pid).exists():
            mark_process_dead(int(pid), str(folder))


MORE: list[Callable[[], Awaitable[bytes]]] = []
"""What other modules add to the answer, as text."""
everything = Question("metrics", collected)


@router.get(PATH)
async def show_metrics(request: Request, settings: SettingsDep) -> Response:
    expected = f"Bearer {settings.metrics_token.get_secret_value()}"
    given = request.headers.get("Authorization", "")
    if settings.metrics_token and not compare_digest(given.encode(), expected.encode()):
        raise Unauthorized
    text = await everything.answer(PATIENCE_SECONDS)
    for more in MORE:
        text += await more()
    return Response(text, media_type=CONTENT_TYPE_LATEST)
