"""What is done with every variant after its bake, up to a running server: the columns of the matrix.

Each stage raises `CommandFailed`, or an assertion that says what is wrong.
"""

import hashlib
import os
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree as ET

from tests.client import use_the_api
from tests.commands import CommandFailed, environment, run
from tests.databases import database
from tests.production import serving, working
from tests.servers import VARIABLES
from tests.template import ROOT
from tests.variants import Variant

STAGES = ("bake", "lint", "types", "install", "dependencies", "hooks", "migrations", "suite", "boot")
# With coverage where all options are, since it takes half as long again, and on the engine that answers fastest.
COVERED = {"sqlite-redis-celery"}
# On each engine, every operation is fuzzed as its users fuzz it in one variant, and in the others with fewer examples.
FUZZED = {"sqlite", "postgresql-redis-celery", "mysql-redis-celery"}
COMPLETE = {"sqlite-redis-celery", "postgresql-redis-celery", "mysql-redis-celery"}
FEWER_EXAMPLES = "3"
REPEATED = "deptry,lock,mypy,ruff-check,ruff-format"
"""The pre-commit hooks that run the tools of `lint`, `types` and `dependencies`, which ask for a lock file that is up to date."""
SUITE_SECONDS = 900
# One process: to start four takes longer than to migrate.
MIGRATIONS = """
from alembic import command
from alembic.config import Config

config = Config(toml_file="pyproject.toml")
command.upgrade(config, "head")
command.downgrade(config, "base")
command.upgrade(config, "head")
command.check(config)
"""
# Where `make lint` has just put what mypy knows of the libraries.
SOURCE_CACHE = ROOT / ".mypy_cache" / "source"


@dataclass(frozen=True)
class Suite:
    passed: int
    seconds: float


def mypy_cache() -> dict[str, str]:
    """Return the variable that names this worker's cache: two processes would write the same files.

    It starts as a copy of the source's, where there is one, since reading the libraries takes longer than all the bakes.
    """
    cache = ROOT / "build" / f"mypy-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    if SOURCE_CACHE.is_dir() and not cache.exists():
        shutil.copytree(SOURCE_CACHE, cache)
    return {"MYPY_CACHE_DIR": str(cache)}


def lint(project: Path) -> None:
    """Lint and check the format, in the environment of these tests."""
    run(project, "ruff", "check", "--no-cache")
    run(project, "ruff", "format", "--check", "--no-cache")


def types(project: Path) -> None:
    """Type-check in the environment of these tests, with a cache that all variants share."""
    # mypy takes a file of the same name, size and second for the same file, which in two bakes it need not be: a time
    # that is made of the content tells them apart.
    for path in project.rglob("*.py"):
        if ".venv" not in path.parts:
            moment = int.from_bytes(hashlib.sha256(path.read_bytes()).digest()[:4]) // 2
            os.utime(path, (moment, moment))
    run(project, "mypy", extra=mypy_cache())


def install(project: Path) -> None:
    """Make the project's own environment out of its own pyproject.toml."""
    run(project, "uv", "sync")


def dependencies(project: Path) -> None:
    """Compare what is declared to what is imported."""
    run(project, "uv", "run", "--locked", "deptry", ".")


def hooks(project: Path, variant: Variant) -> None:
    """Run the pre-commit hooks on a first commit; they must change nothing.

    Only the complete variants repeat what the stages before have run, in the project's own environment.
    """
    run(project, "git", "add", "--all")
    with tempfile.TemporaryDirectory() as home:
        extra = {"PRE_COMMIT_HOME": home, **mypy_cache(), **({} if variant.id in COMPLETE else {"SKIP": REPEATED})}
        run(project, "uv", "run", "--locked", "pre-commit", "run", "--all-files", extra=extra)
    changed = run(project, "git", "diff", "--name-only").split()
    assert not changed, f"the hooks of a fresh bake change {changed}"


def migrations(project: Path, variant: Variant) -> None:
    """Migrate up, down and up again on the real engine, and look for drift."""
    with database(variant, "migrations", project, create=True) as url:
        run(project, "uv", "run", "--locked", "python", "-c", MIGRATIONS, extra={"DATABASE_URL": url})


def suite(project: Path, variant: Variant) -> Suite:
    """Run the project's own tests, on a database that its suite creates."""
    report = project / ".pytest_cache" / "report.xml"
    with database(variant, "", project, create=False) as url:
        coverage = ["--cov"] if variant.id in COVERED else []
        fuzz = {} if variant.id in FUZZED else {"TEST_FUZZ_EXAMPLES": FEWER_EXAMPLES}
        command = ("uv", "run", "--locked", "pytest", *coverage, f"--junitxml={report}")
        extra = {"TEST_DATABASE_URL": url, **given_redis(variant), **fuzz}
        output = run(project, *command, extra=extra, seconds=SUITE_SECONDS)
    return result_of(report, command, project, output)


def result_of(report: Path, command: tuple[str, ...], project: Path, output: str) -> Suite:
    found = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - written by pytest a moment ago
    assert found is not None, f"{report} has no testsuite"
    tests, skipped = int(found.attrib["tests"]), int(found.attrib["skipped"])
    if skipped or not tests:
        raise CommandFailed(command, project, f"{skipped} of {tests} tests were skipped", output)
    return Suite(tests, float(found.attrib["time"]))


def boot(project: Path, variant: Variant) -> None:
    """Migrate, serve and work with the production commands, use the API as a client does, and stop on SIGTERM."""
    with database(variant, "boot", project, create=True) as url:
        extra = {"DATABASE_URL": url, "ENVIRONMENT": "production", **own_part_of_redis(variant)}
        run(project, "uv", "run", "--locked", "python", "-m", "app.cli", "migrate", extra=extra)
        with serving(project, environment(extra)) as address, ExitStack() as others:
            if variant.options["use_celery"]:
                others.enter_context(working(project, environment(extra)))
            use_the_api(
                address, cached=variant.options["use_redis"] is True, tasks=variant.options["use_celery"] is True
            )


def given_redis(variant: Variant) -> dict[str, str]:
    """Return the variable by which the suite finds Redis; a suite that needs none is told of none."""
    name = VARIABLES["redis"]
    return {name: os.environ[name]} if "redis" in variant.servers else {}


def own_part_of_redis(variant: Variant) -> dict[str, str]:
    """Return the settings that give the variant keys and a queue of its own on the server, which others use too."""
    url, own = os.environ.get(VARIABLES["redis"], ""), f"{variant.id}-{uuid4().hex}"
    cache = {"REDIS_URL": url, "CACHE_PREFIX": own} if variant.options["use_redis"] else {}
    queue = {"CELERY_BROKER_URL": url, "CELERY_QUEUE": own} if variant.options["use_celery"] else {}
    return cache | queue
