"""Answers that can't be baked are refused with a sentence each, and nothing is left on the disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bakes import bake, config, contents, raw

Refuse = Callable[[dict[str, str]], list[str]]

NO_SLUGS = [
    "",
    "1st",
    "My-App",
    "a--b",
    "-a",
    "a-",
    "a_b",
    "a b",
    "a.b",
    "café",
    "приложение",
    "$(id)",
    "a" * 51,
    "a" * 300,
]
PATHS = [".", "..", "../up", "a/b/c", "/a", "c:\\a", "a\0b"]
TAKEN = {
    "con": "a device on Windows",
    "lpt1": "a device on Windows",
    "mysql": "a database that servers keep",
    "information-schema": "a database that servers keep",
    "fastapi": "a package that the project installs",
    "anyio": "a package that the project installs",
}
TEXTS = ["project_name", "description", "author_name", "author_email"]
CONTROLS = [
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\x1b",
    "\x7f",
    "\x85",
    "\u2028",
    "\u200b",
    "\u202e",
    "\ud800",
    "\ufffe",
    "\U0001ffff",
]
CHOICES = {
    "license": "GPL-3.0",
    "database_engine": "oracle",
    "use_redis": "perhaps",
    "use_celery": "2",
    "ci_provider": "travis",
    "python_version": "3.10",
}


@pytest.fixture
def refuse(cookies: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Refuse:
    """Bake, see that it fails and leaves nothing but the empty output folder, and return what the user reads."""

    def bake_and_fail(answers: dict[str, str]) -> list[str]:
        before = set(contents(tmp_path))
        result = cookies.bake(extra_context={name: raw(value) for name, value in answers.items()})
        assert result.exit_code != 0
        assert set(contents(tmp_path)) - before == {"cookies/bake00"}
        return [line for line in capfd.readouterr().err.splitlines() if ": " in line and line.split(":")[0] in answers]

    return bake_and_fail


@pytest.mark.parametrize("slug", NO_SLUGS + PATHS)
def test_a_slug_that_is_no_slug_is_refused(refuse: Refuse, slug: str) -> None:
    (sentence,) = refuse({"project_slug": slug})
    assert sentence.startswith(f"project_slug: {slug!r}"[:60])
    assert sentence.endswith(
        "is no slug; use lower-case words of letters a-z and digits joined by single hyphens, "
        "a letter first, at most 50 characters."
    )


@pytest.mark.parametrize("slug", TAKEN)
def test_a_slug_that_means_something_else_is_refused(refuse: Refuse, slug: str) -> None:
    (sentence,) = refuse({"project_slug": slug})
    assert sentence == f"project_slug: '{slug}' is {sentence.partition(' is ')[2]}"
    assert TAKEN[slug] in sentence


@pytest.mark.parametrize("character", CONTROLS)
def test_text_with_a_character_that_would_end_or_disguise_a_line_is_refused(refuse: Refuse, character: str) -> None:
    (sentence,) = refuse({"description": f"one{character}two"})
    assert f"U+{ord(character[-1]):04X}" in sentence
    assert sentence.endswith("give text on one line, without control characters.")


@pytest.mark.parametrize("option", TEXTS)
def test_a_line_break_in_any_text_is_refused(refuse: Refuse, option: str) -> None:
    (sentence,) = refuse({option: "one\ntwo", "project_slug": "some-project"})
    assert sentence.startswith(f"{option}: 'one\\ntwo' contains U+000A")


@pytest.mark.parametrize("option", ["project_name", "author_name"])
@pytest.mark.parametrize("value", ["", " ", "\u3000"])
def test_a_name_without_letters_is_refused(refuse: Refuse, option: str, value: str) -> None:
    assert refuse({option: value}) == [f"{option}: {value!r} is empty; give a name."]


def test_everything_that_is_wrong_is_said_at_once(refuse: Refuse) -> None:
    sentences = refuse({"project_slug": "No", "project_name": "", "description": "a\nb", "author_name": "\t"})
    assert [sentence.split(":")[0] for sentence in sentences] == [
        "project_slug",
        "project_name",
        "description",
        "author_name",
    ]


def test_a_long_value_is_cut_in_the_sentence(refuse: Refuse) -> None:
    (sentence,) = refuse({"description": "\n" + "x" * 5000})
    assert len(sentence) < 200
    assert "(5001 characters)" in sentence


def test_the_user_reads_the_sentence_and_no_traceback_of_the_hook(tmp_path: Path) -> None:
    done = bake(tmp_path / "out", "project_slug=a/B", settings=config(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("project_slug: 'a/B' is no slug; ")
    assert done.stderr.splitlines()[0].endswith(".")
    assert contents(tmp_path / "out") == {}


@pytest.mark.parametrize("option", CHOICES)
def test_a_value_that_is_not_offered_is_refused_by_cookiecutter(cookies: Any, tmp_path: Path, option: str) -> None:
    result = cookies.bake(extra_context={option: CHOICES[option]})
    assert isinstance(result.exception, ValueError)
    assert option in str(result.exception)
    assert CHOICES[option] in str(result.exception)
    assert contents(tmp_path) == {"cookies": b""}


def test_a_value_that_is_not_offered_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    done = bake(tmp_path / "out", "database_engine=oracle", settings=config(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ValueError: oracle provided for choice variable database_engine, "
        "but the choices are ['sqlite', 'postgresql', 'mysql']."
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["{{ 7*7 }}", "# {% if x %}"])
def test_jinja_in_a_text_is_refused(refuse: Refuse, text: str) -> None:
    (sentence,) = refuse({"description": text})
    assert sentence.startswith(f"description: {text!r} contains {{")


def test_invalid_default_in_the_users_configuration_is_refused(tmp_path: Path) -> None:
    settings = config(tmp_path, license="Apache Software License 2.0", database_engine="postgresql")
    done = bake(tmp_path / "out", settings=None, env={"COOKIECUTTER_CONFIG": str(settings)})
    assert done.returncode == 1
    assert "default_context of your cookiecutter configuration: Apache Software License 2.0 provided" in done.stderr
    assert contents(tmp_path / "out") == {}
