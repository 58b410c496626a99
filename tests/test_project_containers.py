"""`make up` and `scripts/compose` of a bake without Docker: other programs are stand-ins that note what they do."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.template import SOURCE


@pytest.mark.parametrize(
    ("programs", "sentence"),
    [
        ({}, "docker is not on PATH; install Docker, see https://docs.docker.com/engine/install/."),
        ({"docker": "exit 1"}, "no Docker engine answers; start it, or ask for the right to use it."),
        ({"docker": '[ "$1" = info ]'}, "Docker has no Compose; install its plugin docker-compose-plugin."),
    ],
)
def test_without_docker_a_sentence_says_what_is_missing(
    tmp_path: Path, programs: dict[str, str], sentence: str
) -> None:
    done = compose(tmp_path, programs)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"scripts/compose: {sentence}\n")


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({"docker": '[ "$1" = info ] || echo "new: $*"'}, "new: compose up two words\n"),
        (
            {"docker": '[ "$1" = info ]', "docker-compose": 'echo "old: $* $DOCKER_BUILDKIT$COMPOSE_DOCKER_CLI_BUILD"'},
            "old: up two words 11\n",
        ),
    ],
)
def test_the_compose_that_is_there_is_used(tmp_path: Path, programs: dict[str, str], said: str) -> None:
    done = compose(tmp_path, programs)
    assert (done.returncode, done.stdout.splitlines()[-1:], done.stderr) == (0, [said.rstrip()], "")


def compose(folder: Path, programs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    command = ["/bin/sh", str(SOURCE / "scripts/compose"), "up", "two words"]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, check=False, text=True)


ENGINE = """
case "$*" in
    info|"compose version") ;;
    *exec*) [ -e healthy ] || { touch healthy; exit 1; } ;;
    *port*) echo 127.0.0.1:8000 ;;
    *) echo "compose: $*" ;;
esac
"""


@pytest.fixture
def project(cookies: Any, tmp_path: Path) -> Path:
    """A bake on a machine whose Docker is healthy at the second look, and whose uv writes a lock file."""
    uv = '[ "$1" = lock ] && echo locked > uv.lock'
    for name, text in {"docker": ENGINE, "uv": f'[ "$1" = --version ] || {uv}'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return Path(cookies.bake().project_path)


def make(project: Path, machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.pathsep.join([str(machine), os.environ["PATH"]])}
    return subprocess.run(["make", *arguments], cwd=project, env=env, capture_output=True, check=False, text=True)


def test_up_locks_builds_starts_and_waits_until_the_server_answers(project: Path, tmp_path: Path) -> None:
    done = make(project, tmp_path, "up")
    assert done.returncode == 0, done.stderr
    assert (project / "uv.lock").read_text(encoding="utf-8") == "locked\n"
    assert "compose: compose up --detach --build --remove-orphans\n" in done.stdout
    assert done.stdout.endswith("It serves on http://127.0.0.1:8000\n")


def test_what_does_not_answer_is_told(project: Path, tmp_path: Path) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh" + ENGINE.replace("touch healthy; ", ""), encoding="utf-8")
    (tmp_path / "seq").write_text("#!/bin/sh\necho 1\n", encoding="utf-8")
    (tmp_path / "seq").chmod(0o755)
    done = make(project, tmp_path, "up")
    assert done.returncode == 2
    assert "compose: compose ps\n" in done.stdout
    assert done.stderr.startswith("It does not answer; make logs says why.\n")


def test_down_stops_and_logs_follow(project: Path, tmp_path: Path) -> None:
    assert (
        "compose: compose down --remove-orphans --volumes\n" in make(project, tmp_path, "down", "ARGS=--volumes").stdout
    )
    assert "compose: compose logs --follow --tail 100 web\n" in make(project, tmp_path, "logs", "ARGS=web").stdout
