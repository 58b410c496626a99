"""A stage that fails says so, and says why."""

import time
from pathlib import Path

import pytest

from tests import production
from tests.commands import TAIL, CommandFailed, environment, run
from tests.stages import hooks, lint, result_of, types
from tests.variants import variants

COMMAND = ("uv", "run", "pytest")


def project_of(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def report_of(folder: Path, tests: int, skipped: int) -> Path:
    report = folder / "report.xml"
    report.write_text(f'<testsuites><testsuite tests="{tests}" skipped="{skipped}" time="1.5"/></testsuites>')
    return report


def test_a_failed_command_is_shown_with_its_folder_and_the_end_of_its_output(tmp_path: Path) -> None:
    script = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; done; echo why >&2; exit 3"
    with pytest.raises(CommandFailed) as caught:
        run(tmp_path, "sh", "-c", script)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("$ sh -c ")
    assert lines[1:3] == [f"in {tmp_path}: exit code 3", f"… {101 - TAIL} lines before …"]
    assert lines[-2:] == ["line 100", "why"]


def test_a_command_that_takes_too_long_is_ended_and_reported(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(CommandFailed, match="took more than 1 s\nbegun"):
        run(tmp_path, "sh", "-c", "echo begun; exec sleep 60", seconds=1)
    assert time.monotonic() - begun < 10


def test_a_command_does_not_see_the_environment_of_these_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "PYTEST_XDIST_WORKER", "SECRET_KEY", "TEST_MYSQL_URL", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "ours")
    seen = environment({"DATABASE_URL": "theirs"})
    assert [name for name, value in seen.items() if value == "ours"] == []
    assert seen["DATABASE_URL"] == "theirs"


def test_a_suite_that_skips_a_test_fails(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="1 of 20 tests were skipped"):
        result_of(report_of(tmp_path, 20, 1), COMMAND, tmp_path, "")


def test_a_suite_without_tests_fails(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="0 of 0 tests were skipped"):
        result_of(report_of(tmp_path, 0, 0), COMMAND, tmp_path, "")


def test_the_tests_of_a_suite_are_counted(tmp_path: Path) -> None:
    result = result_of(report_of(tmp_path, 20, 0), COMMAND, tmp_path, "")
    assert (result.passed, result.seconds) == (20, 1.5)


@pytest.mark.parametrize("text", ["import os\n", "x  =  1\n"])
def test_lint_and_format_are_required(tmp_path: Path, text: str) -> None:
    (tmp_path / "ruff.toml").write_text("")
    with pytest.raises(CommandFailed, match=r"\$ ruff "):
        lint(project_of(tmp_path, module=text))


def test_a_module_is_type_checked_anew_when_only_its_content_differs(tmp_path: Path) -> None:
    """As two variants are: same name, same size, written in the same second."""
    for number, value in enumerate(('"a"', "321")):
        (folder := tmp_path / str(number)).mkdir()
        (folder / "mypy.ini").write_text("[mypy]\nfiles = .\nstrict = True\n")
        project_of(folder, twin=f"number: int = {value}\n")
    types(tmp_path / "1")
    with pytest.raises(CommandFailed, match="Incompatible types in assignment"):
        types(tmp_path / "0")


def test_hooks_need_a_repository(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="git add --all"):
        hooks(tmp_path, variants()[0])


def served_by(folder: Path, script: str) -> Path:
    """A project whose interpreter is a shell script, and so its server."""
    (folder / ".venv/bin").mkdir(parents=True)
    python = folder / ".venv/bin/python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return folder


def test_a_server_that_ends_is_shown_with_its_log(tmp_path: Path) -> None:
    project = served_by(tmp_path, "echo no such table; exit 1")
    with (
        pytest.raises(CommandFailed, match="does not serve\nno such table"),
        production.serving(project, environment()),
    ):
        pass


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("trap '' TERM; while :; do sleep 0.1; done", "SIGTERM did not end it in 1 s"),
        ("trap 'exit 4' TERM; while :; do sleep 0.1; done", "exit code 4 after SIGTERM"),
        ("trap 'echo ERROR lost a connection; exit 0' TERM; while :; do sleep 0.1; done", "logged an error"),
    ],
)
def test_a_server_has_to_stop_cleanly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    def answers(address: str, path: str) -> bool:
        time.sleep(0.2)  # until the shell has set its trap
        return True

    monkeypatch.setattr(production, "answers", answers)
    monkeypatch.setattr(production, "STOPPING", 1)
    project = served_by(tmp_path, script)
    with pytest.raises(CommandFailed, match=message), production.serving(project, environment()):
        pass
