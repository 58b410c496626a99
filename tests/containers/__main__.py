"""`python -m tests.containers [--suite] [VARIANT…]`: build images, start what they are made for, and be rough to it.

It needs a Docker engine on this machine, on Linux, and takes a few minutes. Images that are there are used as they are.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cookiecutter.main import cookiecutter

from tests.commands import CommandFailed, run
from tests.containers import checks
from tests.containers.engine import BUILD_OPTIONS, Containers, docker, megabytes_above_base, up
from tests.template import ROOT
from tests.variants import NoVariant, Variant, select

DEFAULT = ("sqlite", "postgresql-redis-celery", "mysql-redis-celery")
MOST_MEGABYTES = 200
COLUMNS = (
    "MB above the base",
    "up",
    "shut",
    "healthy",
    "client",
    "mail",
    "mail beside imports",
    "database back",
    "lost in a drain",
    "lost in a rolling restart",
    "lost in a restart",
    "suite",
)
DEVELOPMENT = "compose.yaml:compose.override.yaml"
PRODUCTION = "compose.yaml"
PROXY = {"COMPOSE_PROFILES": "proxy"}
SUITE_SECONDS = 1200


class Report(dict[str, str]):
    """What was found of one variant, by column; what fails is told at once and does not keep the rest from being tried."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.failed = False

    def note(self, column: str, check: Callable[[], str]) -> None:
        started = time.monotonic()
        try:
            self[column] = check()
        except (AssertionError, CommandFailed) as problem:
            self.fail(column, problem)
        seconds = time.monotonic() - started
        print(f"{self.variant.id:24} {column:26} {self[column]:14} {seconds:6.1f} s", flush=True)

    def fail(self, column: str, problem: Exception) -> None:
        self.failed = True
        self[column] = "FAILED"
        print(f"\nFAILED {self.variant.id}, {column}:\n{problem}\n", file=sys.stderr, flush=True)

    def row(self) -> str:
        return f"| {self.variant.id} | {' | '.join(self.get(column, '') for column in COLUMNS)} |"


def bake(variant: Variant, folder: str) -> Path:
    os.environ["TEMPLATE_LOCK"] = "0"
    options = {**variant.options, "project_slug": f"containers-{variant.id}"}
    return Path(cookiecutter(str(ROOT), no_input=True, output_dir=folder, extra_context=options))


def small_enough(project: Path) -> str:
    megabytes = megabytes_above_base(project, f"{project.name}:latest")
    assert megabytes <= MOST_MEGABYTES, f"the image has {megabytes:.0f} MB above its base, more than {MOST_MEGABYTES}"
    return f"{megabytes:.0f}"


def develop(project: Path, report: Report) -> None:
    """As somebody does who has just baked it: with nothing edited."""
    started = time.monotonic()
    with up(Containers(project, DEVELOPMENT)) as containers:
        report.note("up", lambda: f"{time.monotonic() - started:.0f} s")
        report.note("MB above the base", lambda: small_enough(project))
        report.note("client", lambda: checks.is_used(containers, report.variant))
        report.note("mail", lambda: checks.mails(containers))
        if report.variant.options["use_celery"]:
            report.note("mail beside imports", lambda: checks.mails_beside_imports(containers))
        report.note("healthy", lambda: checks.becomes_healthy(containers))
        report.note("shut", lambda: checks.is_shut(containers))
        if report.variant.engine != "sqlite":
            report.note("database back", lambda: checks.loses_its_database(containers))


def operate(project: Path, report: Report) -> None:
    """As in production, behind the proxy; the two containers of a rolling restart by their own names.

    The image is built again, of files that nobody but their owner may read.
    """
    run(project, "chmod", "-R", "go=", "app", "migrations", "pyproject.toml", "uv.lock")
    with up(Containers(project, PRODUCTION, extra=PROXY)) as containers:
        report.note("lost in a restart", lambda: checks.restarts_alone(containers))
        report.note("lost in a drain", lambda: checks.drains(containers))
    names = [f"{project.name}{mark}web{mark}{number}:8000" for mark in "-_" for number in (1, 2)]
    two = Containers(project, PRODUCTION, extra={**PROXY, "UPSTREAMS": " ".join(names)})
    with up(two, "--scale", "web=2") as containers:
        report.note("lost in a rolling restart", lambda: checks.rolls(containers))


def suite(project: Path) -> str:
    """The project's own tests, on servers that they start themselves."""
    extra = {"TESTCONTAINERS_RYUK_DISABLED": "true"}
    said = run(project, "make", "test-fast", "ARGS=-n 2", extra=extra, seconds=SUITE_SECONDS)
    return said.splitlines()[-1].strip("= ").partition(" in ")[0]


def examine(variant: Variant, *, with_suite: bool) -> Report:
    report = Report(variant)
    with tempfile.TemporaryDirectory() as folder:
        project = bake(variant, folder)
        for part in (develop, operate):
            try:
                part(project, report)
            except (AssertionError, CommandFailed) as problem:
                report.fail("up", problem)
        with suppress(CommandFailed):  # where it could not be built
            docker("image", "rm", f"{project.name}:latest")
        if with_suite:
            report.note("suite", lambda: suite(project))
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.containers",
        description=__doc__,
        epilog=f"{BUILD_OPTIONS} in the environment is what to build with beside: --network, --build-arg.",
    )
    parser.add_argument(
        "variants", nargs="*", default=DEFAULT, help=f"such as mysql-redis; {' '.join(DEFAULT)} if none"
    )
    parser.add_argument("--suite", action="store_true", help="run the project's own suite too, through testcontainers")
    given = parser.parse_args()
    try:
        chosen = [variant for name in given.variants for variant in select(name)]
        docker("info")
    except (NoVariant, CommandFailed, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    reports = [examine(variant, with_suite=given.suite) for variant in chosen]
    print(f"\n| variant | {' | '.join(COLUMNS)} |\n| --- |{' ---: |' * len(COLUMNS)}")
    for report in reports:
        print(report.row())
    return 1 if any(report.failed for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
