"""A project goes on with the template: cruft links it, tells of later commits, and merges them into what users made of it.

cruft, git and the template are real; of uv there is one that locks something else each time, as a later one would.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.bakes import raw
from tests.commands import TOOLS, run
from tests.template import ROOT, SOURCE

OPTIONS = {
    "project_name": raw('Shop "é"'),
    "project_slug": "shop",
    "license": "BSD-3-Clause",
    "ci_provider": "gitlab",
    "python_version": "3.12",
}
ADDED = "app/newer.py"
ADDED_TEST = "tests/unit/test_newer.py"
ADDED_MIGRATION = "migrations/versions/20990101_theirs.py"
REMOVED = ".editorconfig"
SUITE = ("-p", "no:cacheprovider", "-m", "not slow")
WHAT_MATTERS = (ADDED_TEST, "tests/integration/test_health.py", "tests/integration/test_migrations.py")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """A user with a name and a home of their own, and with a uv that locks."""
    home = tmp_path_factory.mktemp("home")
    uv = home / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\necho $$ > uv.lock\n", encoding="utf-8")
    uv.chmod(0o755)
    (home / ".gitconfig").write_text("[user]\nname = Ann\nemail = ann@example.com\n", encoding="utf-8")
    path = os.pathsep.join([str(uv.parent), str(TOOLS), os.environ["PATH"]])
    return {"HOME": str(home), "PATH": path, "TEMPLATE_LOCK": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def commit(folder: Path, env: Mapping[str, str]) -> str:
    run(folder, "git", "add", "--all", extra=env)
    run(folder, "git", "commit", "--quiet", "--message", "Go on", extra=env)
    return run(folder, "git", "rev-parse", "HEAD", extra=env).strip()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new), encoding="utf-8")


def migration(revision: str, folder: Path) -> str:
    """Return a migration that follows the template's first, as two of them do that do not know of each other."""
    (first,) = (folder / "migrations" / "versions").glob("*_initial.py")
    (down,) = re.findall(r'^revision: str = "(\w+)"$', first.read_text(encoding="utf-8"), re.MULTILINE)
    names = f'"""One more."""\n\nrevision = "{revision}"\ndown_revision = "{down}"\n'
    return names + "".join(f"\n\ndef {name}() -> None:\n    pass\n" for name in ("upgrade", "downgrade"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> tuple[Path, str]:
    """A repository of the template as it is, with the commit that it is at."""
    folder = tmp_path_factory.mktemp("template")
    for name in ("hooks", SOURCE.name):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    shutil.copy(ROOT / "cookiecutter.json", folder)
    run(folder, "git", "init", "--quiet", "--initial-branch=main", extra=env)
    return folder, commit(folder, env)


@pytest.fixture(scope="module")
def created(tmp_path_factory: pytest.TempPathFactory, template: tuple[Path, str], env: Mapping[str, str]) -> Path:
    """A project that cruft made, as its user first commits it."""
    folder = tmp_path_factory.mktemp("created")
    answers = json.dumps(OPTIONS, ensure_ascii=False)
    run(folder, "cruft", "create", template[0].as_uri(), "-y", "--extra-context", answers, extra=env)
    commit(folder / "shop", env)
    return folder / "shop"


@pytest.fixture(scope="module")
def outdated(created: Path, template: tuple[Path, str], env: Mapping[str, str]) -> Path:
    """The project some time later: its user has gone on, and so has the template."""
    source = template[0] / SOURCE.name
    edit(template[0] / "cookiecutter.json", '"__template_version": "0', '"__template_version": "90')
    (source / ADDED).write_text('NEWER = "yes"\n', encoding="utf-8")
    test = "from app.newer import NEWER\n\n\ndef test_it_is_newer() -> None:\n    assert NEWER\n"
    (source / ADDED_TEST).write_text(test, encoding="utf-8")
    (source / ADDED_MIGRATION).write_text(migration("a00000000001", source), encoding="utf-8")
    (source / REMOVED).unlink()
    edit(source / "app" / "observability" / "health.py", "PATIENCE_SECONDS = 5\n", "PATIENCE_SECONDS = 6\n")
    commit(template[0], env)
    edit(
        created / "app" / "observability" / "health.py",
        "from fastapi import APIRouter, Depends\n",
        "from fastapi import APIRouter, Depends  # ours\n",
    )
    edit(created / "README.md", "## Layout\n", "## Our layout\n")
    edit(created / "pyproject.toml", 'version = "0.1.0"', 'version = "3.0.0"')
    (created / "uv.lock").write_text("ours\n", encoding="utf-8")
    ours = created / "migrations" / "versions" / "20990101_ours.py"
    ours.write_text(migration("b00000000001", created), encoding="utf-8")
    commit(created, env)
    return created


@pytest.fixture(scope="module")
def updated(outdated: Path, env: Mapping[str, str]) -> Path:
    folder = outdated.parent / "updated"
    shutil.copytree(outdated, folder)
    run(folder, "cruft", "update", "-y", extra=env)
    return folder


def test_a_project_is_told_that_the_template_has_gone_on(outdated: Path, env: Mapping[str, str]) -> None:
    assert "FAILURE" in run(outdated, "cruft", "check", extra=env, expected=1)


def test_an_update_merges_the_template_into_what_its_user_made_of_it(updated: Path, env: Mapping[str, str]) -> None:
    assert not list(updated.rglob("*.rej"))
    changed = run(updated, "git", "status", "--porcelain", "--untracked-files=all", extra=env).splitlines()
    assert {line.split()[-1] for line in changed} == {
        ".cruft.json",
        REMOVED,
        "README.md",
        ADDED,
        ADDED_TEST,
        ADDED_MIGRATION,
        "app/observability/health.py",
    }
    assert not (updated / REMOVED).exists()
    health = (updated / "app" / "observability" / "health.py").read_text(encoding="utf-8")
    assert "import APIRouter, Depends  # ours" in health
    assert "PATIENCE_SECONDS = 6" in health
    readme = (updated / "README.md").read_text(encoding="utf-8")
    assert "## Our layout" in readme
    assert "from version 90.1.0 of the FastAPI template" in readme
    assert "SUCCESS" in run(updated, "cruft", "check", extra=env)


def test_an_update_leaves_secrets_and_versions_as_they_are(outdated: Path, updated: Path) -> None:
    assert (updated / ".env").read_bytes() == (outdated / ".env").read_bytes()
    assert (updated / "uv.lock").read_text(encoding="utf-8") == "ours\n"
    assert 'version = "3.0.0"' in (updated / "pyproject.toml").read_text(encoding="utf-8")


def test_an_updated_project_passes_its_tests_when_migrations_of_both_are_merged(
    updated: Path, env: Mapping[str, str]
) -> None:
    own = {**env, "PATH": os.pathsep.join([str(TOOLS), os.environ["PATH"]])}
    run(updated, "alembic", "merge", "heads", "--message", "merge the template's", extra=own)
    (merged,) = (updated / "migrations" / "versions").glob("*_merge_the_template_s.py")
    run(updated, "ruff", "check", "--no-cache", str(merged), extra=own)
    run(updated, "ruff", "format", "--no-cache", "--check", str(merged), extra=own)
    assert "| Sequence[str] |" in merged.read_text(encoding="utf-8")
    assert " passed" in run(updated, sys.executable, "-m", "pytest", *SUITE, *WHAT_MATTERS, extra=own)


def test_an_update_may_change_an_option(outdated: Path, env: Mapping[str, str]) -> None:
    folder = outdated.parent / "other"
    shutil.copytree(outdated, folder)
    options = json.dumps({"ci_provider": "github", "use_redis": True})
    run(folder, "cruft", "update", "-y", "--variables-to-update", options, extra=env)
    assert not list(folder.rglob("*.rej"))
    assert not (folder / ".gitlab-ci.yml").exists()
    assert (folder / ".github" / "workflows" / "ci.yml").exists()
    assert "REDIS_URL=" in (folder / ".env.example").read_text(encoding="utf-8")
    assert "import APIRouter, Depends  # ours" in (folder / "app" / "observability" / "health.py").read_text(
        encoding="utf-8"
    )


def test_a_project_that_was_baked_without_cruft_is_linked_and_is_what_cruft_would_make(
    tmp_path: Path, template: tuple[Path, str], outdated: Path, env: Mapping[str, str]
) -> None:
    url, first = template[0].as_uri(), template[1]
    answers = [f"{name}={value}" for name, value in OPTIONS.items()]
    bake = ("cookiecutter", f"git+{url}", "--checkout", first, "--no-input", *answers)
    run(tmp_path, sys.executable, "-m", *bake, extra=env)
    project = tmp_path / "shop"
    context = json.dumps(OPTIONS, ensure_ascii=False)
    run(project, "cruft", "link", url, "-y", "--checkout", first, "--extra-context", context, extra=env)
    run(project, "git", "add", "--all", extra=env)
    run(project, "cruft", "diff", "--exit-code", extra=env)
    linked, created = (json.loads((folder / ".cruft.json").read_bytes()) for folder in (project, outdated))
    assert {**linked, "checkout": None} == created
