"""Bakes and peers that are ready to be served: baked, migrated, on one database with the same rows."""

import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.data import Data
from benchmarks.plan import BenchFailed
from benchmarks.processes import Application
from tests.bakes import bake, config
from tests.commands import run
from tests.databases import database
from tests.stages import own_part_of_redis
from tests.template import ROOT
from tests.variants import Variant, select

SYNC = "textbook sync"
ASYNC = "textbook async"
PEERS = {SYNC: "textbook_sync", ASYNC: "textbook_async"}
CACHED = "baked, PostgreSQL and Redis"
LABELS = {
    "postgresql": "baked, PostgreSQL",
    "mysql": "baked, MySQL or MariaDB",
    "sqlite": "baked, SQLite",
    "postgresql-redis": CACHED,
}
PURPOSE = "bench"
# All clients have one address, and log in to one account.
UNTHROTTLED = "1000000/second"


def baked(name: str, folder: Path) -> tuple[Variant, Path]:
    """Bake a variant, without a lock file: it runs in this environment, as the peers do."""
    (variant,) = select(name)
    output = folder / name
    output.mkdir()
    options = [f"{option}={str(value).lower()}" for option, value in variant.options.items()]
    done = bake(output, "project_slug=shop", *options, settings=config(output))
    if done.returncode:
        raise BenchFailed(f"{name} can't be baked:\n{done.stderr}")
    return variant, output / "shop"


def settings(variant: Variant, url: str, **more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        # The tokens of a run outlive it.
        "ACCESS_TOKEN_MINUTES": "1440",
        "ACCOUNT_RATE": UNTHROTTLED,
        "ADDRESS_RATE": UNTHROTTLED,
        **own_part_of_redis(variant),
        **more,
    }


def application(variant: Variant, project: Path, environment: Mapping[str, str]) -> Application:
    """Return the bake under its production command."""
    command = (sys.executable, "-m", "app.cli", "serve", "--workers", "1")
    return Application(LABELS[variant.id], project, command, environment)


def peer(name: str, url: str, pool: int) -> Application:
    command = (sys.executable, "-m", "uvicorn", f"benchmarks.peers.{PEERS[name]}:app", "--workers", "1")
    environment = {"DATABASE_URL": url, "SECRET_KEY": secrets.token_urlsafe(48), "POOL_SIZE": str(pool)}
    return Application(name, ROOT, command, environment)


def pool_of(one: Application) -> int:
    """Return how many connections a bake may have, which is what its peers get."""
    program = "from app.database import engine; print(engine.pool.size())"
    return int(run(one.folder, sys.executable, "-c", program, extra=one.environment))


@contextmanager
def one_engine(name: str, folder: Path) -> Iterator[tuple[Application, Data]]:
    """Yield a variant and its empty tables."""
    variant, project = baked(name, folder)
    with database(variant, PURPOSE, project, create=True) as url:
        one = application(variant, project, settings(variant, url))
        run(project, sys.executable, "-m", "app.cli", "migrate", extra=one.environment)
        data = Data(url)
        try:
            yield one, data
        finally:
            data.close()


@contextmanager
def on_postgresql(folder: Path, posts: int, **more: str) -> Iterator[tuple[list[Application], Data]]:
    """Yield the bake on PostgreSQL and its two peers, on the same rows and with as many connections."""
    with one_engine("postgresql", folder) as (one, data):
        data.grow(posts)
        mine = replace(one, environment={**one.environment, **more})
        pool = pool_of(mine)
        yield [mine, *(peer(name, data.url, pool) for name in PEERS)], data


@contextmanager
def everybody(folder: Path, posts: int) -> Iterator[tuple[list[Application], list[Data]]]:
    """Yield the bakes on PostgreSQL, with Redis and on SQLite, and the peers; those of one engine share their rows."""
    with ExitStack() as stack:
        others, data = stack.enter_context(on_postgresql(folder, posts))
        sqlite, rows = stack.enter_context(one_engine("sqlite", folder))
        rows.grow(posts)
        variant, project = baked("postgresql-redis", folder)
        cached = application(variant, project, settings(variant, data.url))
        yield [*others, cached, sqlite], [data, rows]
