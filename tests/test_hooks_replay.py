"""Baking again from the answers that cookiecutter keeps: the same project, and nothing that was not checked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter

from tests.bakes import bake, config, contents
from tests.template import ROOT, context

Refuse = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPLATE_LOCK", "0")


@pytest.fixture
def answers(tmp_path: Path) -> dict[str, Any]:
    """What cookiecutter keeps of a bake."""
    options = {"license": "Apache-2.0", "use_redis": "true"}
    settings, output = str(config(tmp_path)), str(tmp_path / "first")
    cookiecutter(str(ROOT), no_input=True, extra_context=options, config_file=settings, output_dir=output)
    (kept,) = (tmp_path / "replay").iterdir()
    loaded: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))["cookiecutter"]
    return loaded


def replay(folder: Path, answers: dict[str, Any]) -> Path:
    file = folder / "answers.json"
    file.write_text(json.dumps({"cookiecutter": answers}), encoding="utf-8")
    return Path(cookiecutter(str(ROOT), replay=str(file), output_dir=str(folder / "again")))


@pytest.fixture
def refuse(tmp_path: Path, answers: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> Refuse:
    """Change what is kept, see that the replay fails and leaves nothing, and return what the user reads."""

    def change_and_fail(**changes: dict[str, Any]) -> list[str]:
        given = json.loads(answers["__answers"]) | changes.get("answers", {})
        kept = answers | {"__answers": json.dumps(given)} | changes.get("facts", {})
        capfd.readouterr()
        with pytest.raises(FailedHookException):
            replay(tmp_path, {name: value for name, value in kept.items() if value is not None})
        assert contents(tmp_path / "again") == {}
        return [line for line in capfd.readouterr().err.splitlines() if line.endswith(".")]

    return change_and_fail


def test_a_replay_bakes_the_same_project(tmp_path: Path, answers: dict[str, Any]) -> None:
    again = replay(tmp_path, answers)
    first = tmp_path / "first" / again.name
    differ = {
        name for name, data in contents(again).items() if data != contents(first)[name] and not name.startswith(".git/")
    }
    assert differ == {".env"}
    assert set(contents(first)) == set(contents(again))


def test_the_commands_replay_works(tmp_path: Path, answers: dict[str, Any]) -> None:
    assert answers["license"] == "Apache-2.0"
    done = bake(tmp_path / "again", "--replay", settings=config(tmp_path), answers="")
    assert done.returncode == 0, done.stderr
    metadata = (tmp_path / "again" / "my-fastapi-project" / "pyproject.toml").read_text(encoding="utf-8")
    assert 'license = "Apache-2.0"' in metadata


@pytest.mark.parametrize(
    ("option", "value", "offered"),
    [
        ("license", "GPL-3.0", '"MIT", "BSD-3-Clause", "Apache-2.0", "Proprietary"'),
        ("database_engine", "oracle", '"sqlite", "postgresql", "mysql"'),
        ("use_redis", "yes", "false, true"),
        ("use_celery", 1, "false, true"),
        ("ci_provider", None, '"github", "gitlab", "none"'),
        ("python_version", "3.10", '"3.15", "3.14", "3.13", "3.12", "3.11"'),
    ],
)
def test_a_value_that_is_no_longer_offered_is_refused(refuse: Refuse, option: str, value: object, offered: str) -> None:
    assert refuse(answers={option: value}) == [f"{option}: {value!r} is not offered; choose from {offered}."]


def test_text_that_is_a_number_is_refused(refuse: Refuse) -> None:
    assert refuse(answers={"description": 5}) == ["description: 5 is not text; give text on one line."]


def test_an_answer_edited_without_what_follows_from_it_is_refused(refuse: Refuse) -> None:
    assert refuse(facts={"database_engine": "mysql"}) == [
        "database_engine: 'mysql' was edited into the replay file; bake without --replay."
    ]


@pytest.mark.parametrize("kept", [None, "{", "[]", "{}", '{"project_slug": "x"}'])
def test_the_answers_of_another_version_are_refused(refuse: Refuse, kept: str | None) -> None:
    assert refuse(facts={"__answers": kept}) == [
        "The answers are not those of this version of the template; bake without --replay."
    ]


def test_the_answers_are_kept_before_anything_follows_from_them() -> None:
    names = list(context())
    public = [name for name in names if not name.startswith("_")]
    assert names[: len(public) + 2] == [*public, "__answers", "__folder"]
