"""What the bake's documents have a newcomer type, and its guide to a resource of one's own, followed to the letter."""

import http.client
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.bakes import bake, config
from tests.client import Api
from tests.commands import environment, run
from tests.guide import changed, follow, steps
from tests.production import answers
from tests.servers.keeper import free_port

GUIDE = "docs/resources.md"
# Of the whole suite, which the guide ends with, what looks at every route or at the new ones.
CONCERNED = (
    "integration/test_access.py",
    "integration/test_comments.py",
    "integration/test_fuzz.py",
    "integration/test_guessed_ids.py",
    "integration/test_mass_assignment.py",
    "integration/test_migrations.py",
    "integration/test_openapi.py",
    "integration/test_statements.py",
    "unit/test_security.py",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    done = bake(folder, "project_slug=shop", settings=config(folder))
    assert done.returncode == 0, done.stderr
    run(folder / "shop", "make", "lock")
    return folder / "shop"


@contextmanager
def typed_and_stopped(project: Path, command: str, port: int) -> Iterator[None]:
    """Type the command, wait for the page of the documentation, and press Ctrl-C in the end."""
    process = subprocess.Popen(
        shlex.split(command), cwd=project, env=environment(), stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 60
        while not answers(f"http://127.0.0.1:{port}", "/docs"):
            assert process.poll() is None, f"{command} ended by itself"
            assert time.monotonic() < deadline, f"{command} shows no documentation"
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def test_a_newcomer_serves_the_project_and_logs_in_as_an_admin(project: Path) -> None:
    port = free_port()
    with typed_and_stopped(project, f'make dev ARGS="--port {port}"', port):
        run(project, *shlex.split("make admin email=you@example.com ARGS=\"--password 'a password of mine'\""))
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            api = Api(connection)
            login = {"email": "you@example.com", "password": "a password of mine"}
            api.token = api("POST", "/auth/login", 200, login)["access_token"]
            assert [user["email"] for user in api("GET", "/users", 200)["items"]] == ["you@example.com"]
    run(project, "make", "migrate")
    run(project, "make", "check-migrations")
    run(project, "sh", "scripts/uv", "run", "pre-commit", "install")
    run(project, "sh", "scripts/uv", "run", "python", "-m", "app.cli", "purge")


def test_who_follows_it_has_a_resource_that_passes_all_checks(project: Path) -> None:
    typed = []
    for step in steps((project / GUIDE).read_text("utf-8")):
        if step.kind != "sh":
            follow(project, step)
            continue
        for line in step.text.splitlines():
            typed.append(line)
            command = [*shlex.split(line)]
            if line == "make test":
                command = ["make", "test-fast", "ARGS=" + " ".join(f"tests/{name}" for name in CONCERNED) + " -m ''"]
            run(project, *command, extra={"TEST_FUZZ_EXAMPLES": "1"})
    assert [line.split(" ARGS")[0].split(" m=")[0] for line in typed] == [
        "make migration",
        "make migrate",
        "make test-fast",
        "make fix",
        "make check",
        "make test",
    ]


def test_a_change_whose_place_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="stands 0 times"):
        changed("one\n", " two\n+three\n")


def test_a_change_whose_place_is_there_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="stands 2 times"):
        changed("one\none\n", " one\n+two\n")


def test_a_change_keeps_what_is_around_it() -> None:
    assert changed("one\n\ntwo\nthree\n", "\n-two\n+deux\n") == "one\n\ndeux\nthree\n"
