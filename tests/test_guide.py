"""The bake's guide to a resource of one's own, followed to the letter."""

import shlex
from pathlib import Path

import pytest

from tests.bakes import bake, config
from tests.commands import run
from tests.guide import changed, follow, steps

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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    done = bake(tmp_path, "project_slug=shop", settings=config(tmp_path))
    assert done.returncode == 0, done.stderr
    run(tmp_path / "shop", "make", "lock")
    return tmp_path / "shop"


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
            run(project, *command, extra={"FUZZ_EXAMPLES": "1"})
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
