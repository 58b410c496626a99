"""Every variant is baked, says nothing of the options that are off, and each of its files can be parsed."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.template import ROOT, SOURCE, choices, has_placeholders
from tests.variants import Variant

pytestmark = [pytest.mark.stage("bake"), pytest.mark.combinations]

PLACEHOLDER = re.compile(r"\{%|\{#|cookiecutter|(?<!\$)\{\{")
WORDS = {
    "sqlite": "sqlite",
    "postgresql": "postgres|psycopg",
    "mysql": "mysql|mariadb",
    "redis": "redis",
    "celery": "celery",
    "github": "github",
    "gitlab": "gitlab",
}
"""What betrays an option that is off."""
KEPT_BY_TOOLS = {".git", ".venv", ".pytest_cache", ".hypothesis", "__pycache__", ".mypy_cache", ".ruff_cache"}
WRITTEN_LATER = {".coverage", ".env", "uv.lock"}


def files_of(project: Path) -> Iterator[str]:
    """The files of the bake, apart from what git and the tools of later stages keep beside them."""
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project)
        if path.is_file() and not KEPT_BY_TOOLS & set(name.parts) and name.as_posix() not in WRITTEN_LATER:
            yield name.as_posix()


def texts_of(project: Path, *suffixes: str) -> Iterator[tuple[str, str]]:
    for name in files_of(project):
        if name.endswith(suffixes or ("",)):
            yield name, (project / name).read_text(encoding="utf-8")


def words_of_what_is_off(variant: Variant) -> list[str]:
    on = {variant.engine, str(variant.options.get("ci_provider", choices()["ci_provider"][0]))}
    if variant.options["use_celery"]:
        on |= {"celery", "redis"}  # its broker
    if variant.options["use_redis"]:
        on |= {"redis"}
    return [word for option, word in WORDS.items() if option not in on]


def test_no_directive_and_no_placeholder_is_left(project: Path) -> None:
    left = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts_of(project)
        for number, line in enumerate(text.splitlines(), 1)
        if (PLACEHOLDER.search(line) and not has_placeholders(name)) or PLACEHOLDER.search(name)
    ]
    assert left == []


def test_an_option_that_is_off_leaves_no_word(project: Path, variant: Variant) -> None:
    pattern = re.compile("|".join(words_of_what_is_off(variant)), re.IGNORECASE)
    left = [name for name in files_of(project) if pattern.search(name)]
    left += [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts_of(project)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line) and name != "LICENSE"
    ]
    assert left == []


def test_it_holds_no_file_that_git_would_not_keep_in_the_template(project: Path) -> None:
    """Caches that a tool left in the source must not be baked."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", SOURCE.name],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    known = {Path(name).relative_to(SOURCE.name).as_posix() for name in listed.stdout.decode().split("\0") if name}
    baked = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    extra = {name for name in baked - known - WRITTEN_LATER if not name.startswith((".git/", ".venv/"))}
    assert extra == set()


def test_every_file_ends_with_one_newline_and_has_no_carriage_return(project: Path) -> None:
    wrong = [name for name, text in texts_of(project) if "\r" in text or (text and not text.endswith("\n"))]
    wrong += [name for name, text in texts_of(project) if text.endswith("\n\n") or text.startswith("\n")]
    assert wrong == []


def test_every_python_toml_and_yaml_file_parses(project: Path) -> None:
    for name, text in texts_of(project, ".py"):
        compile(text, name, "exec")
    for _, text in texts_of(project, ".toml"):
        tomllib.loads(text)
    parsed = [one for _, text in texts_of(project, ".yaml", ".yml") for one in yaml.safe_load_all(text)]
    assert all(isinstance(content, dict) and content for content in parsed)
    assert parsed


def test_its_ci_is_the_one_chosen(project: Path, variant: Variant) -> None:
    places = {
        ".github/dependabot.yml": "github",
        ".github/workflows/ci.yml": "github",
        ".gitlab-ci.yml": "gitlab",
        "renovate.json": "gitlab",
    }
    chosen = variant.options.get("ci_provider", "github")
    assert [place for place in places if (project / place).exists()] == [
        place for place, provider in places.items() if provider == chosen
    ]


def test_every_job_of_a_workflow_runs_steps_and_has_a_time_limit(project: Path) -> None:
    for name, text in texts_of(project, ".yml"):
        if not name.startswith(".github/workflows/"):
            continue
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}
        for job in workflow["jobs"].values():
            assert job["steps"]
            assert job["timeout-minutes"]
