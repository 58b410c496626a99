"""The repository and the lock file of a bake, with git and uv and without."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.bakes import bake, config, git

NAME = "my-fastapi-project"


def path_with(folder: Path, *programs: str, **scripts: str) -> str:
    """Return a PATH on which nothing is but these programs and scripts."""
    folder.mkdir()
    for program in programs:
        (folder / program).symlink_to(shutil.which(program) or pytest.fail(f"no {program} on this machine"))
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return str(folder)


def test_a_repository_is_started_on_main(cookies: Any) -> None:
    project = cookies.bake().project_path
    assert git(project, "symbolic-ref", "--short", "HEAD") == "main"
    assert Path(git(project, "rev-parse", "--show-toplevel")).resolve() == project.resolve()


def test_no_repository_is_started_inside_another(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert bake(tmp_path, settings=config(tmp_path)).returncode == 0
    assert not (tmp_path / NAME / ".git").exists()


def test_a_repository_is_started_in_a_folder_that_the_one_around_it_ignores(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("/bakes/\n", encoding="utf-8")
    assert bake(tmp_path / "bakes", settings=config(tmp_path)).returncode == 0
    assert (tmp_path / "bakes" / NAME / ".git").exists()


def test_without_git_and_uv_the_project_is_baked_all_the_same(tmp_path: Path) -> None:
    env = {"PATH": path_with(tmp_path / "bin"), "TEMPLATE_LOCK": "1"}
    done = bake(tmp_path, settings=config(tmp_path), env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / NAME / ".env").exists()
    assert not (tmp_path / NAME / ".git").exists()


def test_a_git_that_fails_is_told(tmp_path: Path) -> None:
    env = {"PATH": path_with(tmp_path / "bin", git="echo broken >&2; exit 1")}
    done = bake(tmp_path, settings=config(tmp_path), env=env)
    assert done.returncode == 0
    assert done.stderr == "No repository was started; type git init in the project. Git said:\nbroken\n"


def test_the_lock_file_is_written_where_uv_is_found(tmp_path: Path) -> None:
    env = {"PATH": path_with(tmp_path / "bin", uv='echo "$@" > uv.lock'), "TEMPLATE_LOCK": "1"}
    done = bake(tmp_path, settings=config(tmp_path), env=env)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / NAME / "uv.lock").read_text(encoding="utf-8") == "lock --quiet\n"


def test_no_lock_file_is_written_when_that_is_switched_off(tmp_path: Path) -> None:
    env = {"PATH": path_with(tmp_path / "bin", uv='echo "$@" > uv.lock'), "TEMPLATE_LOCK": "0"}
    assert bake(tmp_path, settings=config(tmp_path), env=env).returncode == 0
    assert not (tmp_path / NAME / "uv.lock").exists()


def test_a_lock_that_fails_is_told_with_what_to_type(tmp_path: Path) -> None:
    env = {"PATH": path_with(tmp_path / "bin", uv="echo no network >&2; exit 2"), "TEMPLATE_LOCK": "1"}
    done = bake(tmp_path, settings=config(tmp_path), env=env)
    assert done.returncode == 0
    assert done.stderr == "No lock file was written; type make lock in the project. uv said:\nno network\n"
    assert "make dev" in done.stdout
