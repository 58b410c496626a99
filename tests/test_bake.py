"""`make bake`, as its user sees it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bakes import config
from tests.template import ROOT


def bake(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bake", ".", "--no-input", "--output-dir", str(folder), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("option", "allowed"),
    [
        ("database_engine=oracle", "'sqlite', 'postgresql', 'mysql'"),
        ("use_redis=maybe", "boolean"),
        ("license=GPL", "'MIT', 'BSD-3-Clause'"),
        ("python_version=2.7", "'3.12', '3.11'"),
        ("project_slug=No_Slug", "lower-case words"),
        ("project_name=", "give a name"),
    ],
)
def test_a_wrong_option_is_refused_in_a_sentence_and_nothing_is_left(tmp_path: Path, option: str, allowed: str) -> None:
    done = bake(tmp_path, option)
    name, _, value = option.partition("=")
    assert done.returncode == 1
    assert name in done.stderr
    assert value in done.stderr
    assert allowed in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_jinja_in_an_answer_is_refused_and_not_rendered(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    done = bake(tmp_path / "out", f"description={{{{ cycler.__init__.__globals__.os.system('touch {ran}') }}}}")
    assert done.returncode == 1
    assert "begins an expression of Jinja" in done.stderr
    assert not ran.exists()
    assert not any((tmp_path / "out").iterdir())


def test_invalid_default_in_the_users_configuration_is_refused(tmp_path: Path) -> None:
    settings = config(tmp_path, license="Apache Software License 2.0", database_engine="postgresql")
    done = bake(tmp_path / "out", "--config-file", str(settings))
    assert done.returncode == 1
    assert "Invalid default received: Apache Software License 2.0" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_no_option_is_refused(tmp_path: Path) -> None:
    done = bake(tmp_path, "postgresql")
    assert done.returncode == 2
    assert "key=value" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    kept = tmp_path / "shop" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("mine", encoding="utf-8")
    done = bake(tmp_path, "project_slug=shop")
    assert done.returncode == 1
    assert "already exists" in done.stdout
    assert [path.name for path in kept.parent.iterdir()] == ["kept.txt"]


def test_a_project_is_baked_with_the_options_given(tmp_path: Path) -> None:
    done = bake(tmp_path, "project_slug=shop", "database_engine=mysql")
    assert done.returncode == 0, done.stderr
    assert "make dev" in done.stdout
    assert "DATABASE_URL=mysql://" in (tmp_path / "shop" / ".env").read_text(encoding="utf-8")
