"""`make` and `scripts/uv` of a bake, on a machine that has little: other programs are stand-ins that note what they do."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run
from tests.template import SOURCE

UV = 'if [ "$1" = --version ]; then echo uv 0.13.0; else echo "the uv of the machine: $*"; fi'
UV_OF_AUDIT = """
case "$*" in
    --version) ;;
    export*locked.txt) [ -z "$STALE" ] && echo fastapi==0.165.0 > .tools/locked.txt ;;
    tool\\ run\\ pip-audit*--strict*locked.txt*) echo "looked up: $(cat .tools/locked.txt) ${*##*locked.txt}"; exit "${FOUND:-0}" ;;
    *) exit 99 ;;
esac
"""
PYTHON = """
case "$1" in
    -c) [ -z "$WITHOUT_VENV" ] || [ -e installed ] ;;
    -m) mkdir -p "$3/bin" && cp "$STANDINS/pip" "$3/bin/python" ;;
esac
"""
PIP = """
[ -z "$WITHOUT_NETWORK" ] || exit 1
echo "$*" >> pip.log
printf '#!/bin/sh\\necho "the uv of the project: $*"\\n' > "${0%python}uv"
chmod +x "${0%python}uv"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder for the programs that are on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("chmod", "cp", "mkdir", "mv", "rm", "sh"):
        (folder / program).symlink_to(shutil.which(program) or pytest.fail(f"no {program} on this machine"))
    add(folder, pip=PIP, python3=PYTHON, id="echo 1000")
    return folder


def add(machine: Path, **scripts: str) -> None:
    for name, text in scripts.items():
        path = machine / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)


def uv(machine: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SOURCE / "scripts" / "uv", *arguments],
        cwd=machine.parent,
        env={"PATH": str(machine), "STANDINS": str(machine), **env},
        capture_output=True,
        check=False,
        text=True,
    )


def test_the_uv_of_the_machine_is_used(machine: Path) -> None:
    add(machine, uv=UV)
    done = uv(machine, "run", "two words")
    assert (done.returncode, done.stdout, done.stderr) == (0, "the uv of the machine: run two words\n", "")
    assert not (machine.parent / ".tools").exists()


@pytest.mark.parametrize("broken", [False, True])
def test_without_a_uv_that_works_the_project_installs_its_own_once(machine: Path, *, broken: bool) -> None:
    if broken:
        add(machine, uv="echo this version of Python has no uv >&2; exit 127")
    for _ in range(2):
        done = uv(machine, "run", "two words")
        assert (done.returncode, done.stdout) == (0, "the uv of the project: run two words\n"), done.stderr
    (installation,) = (machine.parent / "pip.log").read_text(encoding="utf-8").splitlines()
    assert re.search(r" install .* uv>=0\.\d+,<0\.\d+$", installation)


def test_without_python_the_user_is_told_to_install_it(machine: Path) -> None:
    (machine / "python3").unlink()
    done = uv(machine, "run")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "scripts/uv: python3 is not on PATH; install Python 3.11 or later.\n"


def test_a_python_without_venv_is_told_to_somebody_who_may_not_install_packages(machine: Path) -> None:
    add(machine, apt_get="touch asked")
    done = uv(machine, "run", WITHOUT_VENV="1")
    assert done.returncode == 1
    assert done.stderr == (
        "scripts/uv: python3 has no venv; install it (Debian, Ubuntu: apt-get install python3-venv), or install uv.\n"
    )
    assert not (machine.parent / "asked").exists()


def test_a_python_without_venv_is_completed_by_root(machine: Path) -> None:
    add(machine, id="echo 0", apt_get='echo "$*" >> apt.log; case "$*" in *python3-venv) echo > installed;; esac')
    done = uv(machine, "run", WITHOUT_VENV="1")
    assert (done.returncode, done.stdout) == (0, "the uv of the project: run\n"), done.stderr
    assert (machine.parent / "apt.log").read_text(encoding="utf-8") == "-qq update\n-qq install -y python3-venv\n"


def test_an_installation_that_fails_is_told_and_begun_anew_next_time(machine: Path) -> None:
    done = uv(machine, "run", WITHOUT_NETWORK="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "scripts/uv: pip could not install uv; is the network there?"
    assert not (machine.parent / ".tools" / "uv").exists()
    assert uv(machine, "run").stdout == "the uv of the project: run\n"


@pytest.fixture
def project(cookies: Any, machine: Path) -> Path:
    """A bake on a machine whose uv runs the commands in the environment of these tests."""
    add(machine, uv='[ "$1" = --version ] || { shift && exec "$@"; }')
    return Path(cookies.bake().project_path)


def make(project: Path, machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(machine), str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["make", *arguments],
        cwd=project,
        env={"PATH": path},
        capture_output=True,
        check=False,
        text=True,
    )


def test_make_alone_lists_every_command_and_the_readme_explains_each(project: Path, machine: Path) -> None:
    listed = re.findall(r"^  make ([a-z-]+) ", make(project, machine).stdout, re.MULTILINE)
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == phony.split()
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert ["help", *re.findall(r"^\| `make ([a-z-]+)", readme, re.MULTILINE)] == listed


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("migration", 'Say what changes: make migration m="add a column"'),
        ("admin", "Say whose address: make admin email=you@example.com"),
    ],
)
def test_what_a_command_lacks_is_said(project: Path, machine: Path, command: str, sentence: str) -> None:
    done = make(project, machine, command)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == sentence


@pytest.mark.parametrize(
    ("command", "steps"),
    [
        ("check", ["ruff check", "ruff format --check", "mypy", "deptry .", "lock --check"]),
        ("fix", ["ruff check --fix", "ruff format"]),
    ],
)
def test_a_command_runs_all_its_tools_and_then_fails(
    project: Path, machine: Path, command: str, steps: list[str]
) -> None:
    add(machine, uv='[ "$1" = --version ] || { echo "$*"; exit 1; }')
    done = make(project, machine, command)
    assert (done.returncode, [line.removeprefix("run ") for line in done.stdout.splitlines()]) == (2, steps)


def test_pip_installs_the_application_with_its_templates_and_migrations(project: Path, tmp_path: Path) -> None:
    command = ("pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path / "installed"), ".")
    run(project, sys.executable, "-m", "uv", *command)
    installed = {path.name for path in (tmp_path / "installed").iterdir()}
    assert {"app", "migrations"} == {name for name in installed if "-" not in name and not name.startswith(".")}
    assert (tmp_path / "installed" / "app" / "mail" / "templates" / "layout.html").is_file()


def test_a_fresh_clone_gets_an_env_of_its_own_once(project: Path, machine: Path) -> None:
    (project / ".env").unlink()
    assert make(project, machine, ".env").returncode == 0
    assert (project / ".env").stat().st_mode & 0o077 == 0, "others may read its secrets"
    first = (project / ".env").read_text(encoding="utf-8")
    example = (project / ".env.example").read_text(encoding="utf-8")
    assert re.sub("(?m)^SECRET_KEY=.*", "", first) == re.sub("(?m)^SECRET_KEY=.*", "", example)
    assert re.search(r"^SECRET_KEY=[\w-]{43,}$", first, re.MULTILINE)
    assert make(project, machine, ".env").returncode == 0
    assert (project / ".env").read_text(encoding="utf-8") == first


def test_a_fresh_clone_with_a_database_server_gets_its_password_too(cookies: Any, machine: Path) -> None:
    add(machine, uv='[ "$1" = --version ] || { shift && exec "$@"; }')
    options = {"database_engine": "postgresql", "use_redis": True}
    project = Path(cookies.bake(extra_context=options).project_path)
    (project / ".env").unlink()
    assert make(project, machine, ".env").returncode == 0
    written = (project / ".env").read_text(encoding="utf-8")
    assert re.search(r"^SECRET_KEY=[\w-]{43,}$", written, re.MULTILINE)
    passwords = re.findall(r"^(?:DATABASE|REDIS)_PASSWORD=([\w-]{32})$", written, re.MULTILINE)
    assert len(set(passwords)) == 2


def test_an_env_that_cannot_be_written_is_not_left_half_done(project: Path, machine: Path) -> None:
    (project / ".env").unlink()
    add(machine, uv='[ "$1" = --version ]')  # and nothing else works
    assert make(project, machine, ".env").returncode == 2
    assert not (project / ".env").exists()


@pytest.mark.parametrize(("found", "code"), [("0", 0), ("1", 2)])
def test_an_audit_looks_the_locked_versions_up_and_is_red_when_one_is_known(
    project: Path, machine: Path, found: str, code: int
) -> None:
    add(machine, uv=f"FOUND={found}\n{UV_OF_AUDIT}")
    done = make(project, machine, "audit", "ARGS=--ignore-vuln X")
    assert (done.returncode, "looked up: fastapi==0.165.0  --ignore-vuln X" in done.stdout) == (code, True), done.stderr


def test_an_audit_of_versions_that_are_not_locked_is_red_without_looking(project: Path, machine: Path) -> None:
    add(machine, uv=f"STALE=1\n{UV_OF_AUDIT}")
    done = make(project, machine, "audit")
    assert (done.returncode, "looked up" in done.stdout) == (2, False)
