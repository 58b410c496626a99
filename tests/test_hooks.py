"""What the hooks do around a bake: folders that were there before, files that go, `.env`, the last words."""

import os
import re
import shutil
import stat
import sys
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cookiecutter.exceptions import FailedHookException, OutputDirExistsException
from cookiecutter.main import cookiecutter

from tests.bakes import bake, config, contents, git
from tests.template import ROOT, SOURCE

NAME = "my-fastapi-project"


@pytest.fixture(autouse=True)
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPLATE_LOCK", "0")


@pytest.fixture
def hook() -> ModuleType:
    """The hook as it is in the source: that of a bake which uses nothing."""
    spec = spec_from_file_location("post_gen_project", ROOT / "hooks" / "post_gen_project.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder that was there before, where the bake is to go."""
    folder = tmp_path / NAME
    (folder / ".github").mkdir(parents=True)
    for name in (".env", "Makefile", "notes.txt", ".github/CODEOWNERS"):
        (folder / name).write_text("mine\n", encoding="utf-8")
    return folder


def into(folder: Path, **options: Any) -> None:
    cookiecutter(str(ROOT), no_input=True, output_dir=str(folder.parent), **options)


def test_a_folder_that_exists_is_left_as_it_is(mine: Path) -> None:
    before = contents(mine)
    with pytest.raises(OutputDirExistsException):
        into(mine)
    assert contents(mine) == before


@pytest.mark.parametrize("flag", ["overwrite_if_exists", "skip_if_file_exists"])
def test_a_refusal_leaves_a_folder_that_is_to_be_overwritten_as_it_is(mine: Path, flag: str) -> None:
    before = contents(mine)
    with pytest.raises((FailedHookException, OutputDirExistsException)):
        into(mine, extra_context={"author_name": ""}, **{flag: True})
    assert contents(mine) == before


def test_overwriting_keeps_secrets_and_files_that_are_not_the_templates(mine: Path) -> None:
    into(mine, extra_context={"ci_provider": "none"}, overwrite_if_exists=True)
    texts = {name: (mine / name).read_text(encoding="utf-8") for name in (".env", "notes.txt", ".github/CODEOWNERS")}
    assert set(texts.values()) == {"mine\n"}
    assert (mine / "Makefile").read_text(encoding="utf-8") != "mine\n"
    assert not (mine / ".github" / "workflows").exists()


def test_a_file_that_is_to_be_skipped_stays_where_the_project_has_no_use_for_its_name(mine: Path) -> None:
    names = (".gitlab-ci.yml", "tests/server.py", "app/imports/tasks.py")
    for name in names:
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text("mine\n", encoding="utf-8")
    into(mine, overwrite_if_exists=True, skip_if_file_exists=True)
    assert {(mine / name).read_text(encoding="utf-8") for name in (*names, "Makefile")} == {"mine\n"}
    assert (mine / "app" / "main.py").exists()


def test_overwriting_with_other_options_removes_what_they_do_not_use(mine: Path) -> None:
    into(mine, extra_context={"use_celery": True, "ci_provider": "gitlab"}, overwrite_if_exists=True)
    before = contents(mine)
    into(mine, overwrite_if_exists=True)
    assert {"app/worker/__init__.py", ".gitlab-ci.yml", "app/imports"} <= before.keys() - contents(mine).keys()


def test_the_hooks_leave_no_mark(cookies: Any) -> None:
    project = cookies.bake().project_path
    assert ".baking" not in contents(project)


def test_a_checkout_with_the_line_ends_of_windows_bakes_those_of_unix(tmp_path: Path) -> None:
    caches = shutil.ignore_patterns("__pycache__", ".*_cache")
    shutil.copytree(SOURCE, tmp_path / "windows" / SOURCE.name, ignore=caches)
    shutil.copytree(ROOT / "hooks", tmp_path / "windows" / "hooks")
    shutil.copy(ROOT / "cookiecutter.json", tmp_path / "windows")
    for path in [path for path in (tmp_path / "windows").rglob("*") if path.is_file()]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    cookiecutter(str(tmp_path / "windows"), no_input=True, output_dir=str(tmp_path))
    baked = contents(tmp_path / NAME)
    assert baked["Makefile"]
    assert [name for name, data in baked.items() if b"\r" in data] == []


def test_no_folder_is_left_empty(cookies: Any) -> None:
    project = cookies.bake(extra_context={"ci_provider": "none"}).project_path
    assert not (project / ".github").exists()
    folders = [path for path in project.rglob("*") if path.is_dir() and ".git" not in path.parts]
    assert [path for path in folders if not any(path.iterdir())] == []


def test_a_path_to_remove_that_is_not_there_is_an_error(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hook, "UNUSED", ["app/gone.py"])
    hook.BEGUN.touch()
    with pytest.raises(SystemExit, match=r"^app/gone\.py: the template has no such file; correct UNUSED "):
        hook.remove_unused()


def test_every_path_to_remove_is_a_file_of_the_template(hook: ModuleType) -> None:
    assert hook.UNUSED
    assert [name for name in hook.UNUSED if not (SOURCE / name).is_file()] == []


def test_what_tools_left_in_the_template_is_not_in_the_project(tmp_path: Path) -> None:
    template = tmp_path / "template"
    shutil.copytree(ROOT, template, ignore=shutil.ignore_patterns(".git", ".venv", "build", "bakes", "uv.lock"))
    for folder in (".ruff_cache", "app/__pycache__", ".mypy_cache/3.11"):
        (template / SOURCE.name / folder).mkdir(parents=True, exist_ok=True)
        (template / SOURCE.name / folder / "left.txt").write_text("left", encoding="utf-8")
    cookiecutter(str(template), no_input=True, output_dir=str(tmp_path))
    assert [name for name in contents(tmp_path / NAME) if "left.txt" in name or "_cache" in name] == []


def test_scripts_of_a_template_from_a_zip_file_are_executable(tmp_path: Path) -> None:
    archive = tmp_path / "template.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.mkdir("template")
        for name in git(ROOT, "ls-files", "-z").strip("\0").split("\0"):
            if (ROOT / name).is_file():
                written.write(ROOT / name, f"template/{name}")
    done = cookiecutter(str(archive), no_input=True, output_dir=str(tmp_path), config_file=str(config(tmp_path)))
    scripts = list(Path(done, "scripts").iterdir())
    assert scripts
    assert all(os.access(script, os.X_OK) for script in scripts)


def test_env_is_the_example_with_a_secret_of_its_own(cookies: Any) -> None:
    secrets = set()
    for _ in range(2):
        project = cookies.bake().project_path
        example = (project / ".env.example").read_text(encoding="utf-8").splitlines()
        env = (project / ".env").read_text(encoding="utf-8").splitlines()
        ((old, new),) = [pair for pair in zip(example, env, strict=True) if pair[0] != pair[1]]
        assert old.startswith("SECRET_KEY=")
        assert new.startswith("SECRET_KEY=")
        assert len(new) >= len("SECRET_KEY=") + 43
        secrets.add(new)
    assert len(secrets) == 2


def test_env_has_a_password_of_its_own_for_a_database_server(cookies: Any) -> None:
    passwords = set()
    for _ in range(2):
        project = cookies.bake(extra_context={"database_engine": "mysql"}).project_path
        lines = (project / ".env").read_text(encoding="utf-8").splitlines()
        (password,) = [line for line in lines if line.startswith("DATABASE_PASSWORD=")]
        assert re.fullmatch(r"DATABASE_PASSWORD=[\w-]{32}", password)
        passwords.add(password)
    assert len(passwords) == 2


def test_env_is_for_its_owner_and_never_committed(cookies: Any) -> None:
    project = cookies.bake().project_path
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600
    git(project, "add", "--all")
    added = git(project, "diff", "--cached", "--name-only").splitlines()
    assert ".env" not in added
    assert ".env.example" in added


def test_a_command_that_takes_too_long_is_given_up(hook: ModuleType) -> None:
    said = hook.failure_of(sys.executable, "-c", "import time; time.sleep(30)", seconds=1)
    assert said is not None
    assert said.endswith("timed out after 1 seconds")


def test_the_last_words_say_what_to_type_next(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    done = bake(folder, settings=config(tmp_path))
    assert done.stderr == ""
    assert done.stdout.split("\n\n", 1)[1] == (
        f'    cd "{folder / NAME}"\n'
        "    make dev     serves it on http://127.0.0.1:8000, its documentation on http://127.0.0.1:8000/docs\n"
        "    make test    runs its tests\n"
        "    make up      starts it in containers, where Docker is\n\n"
    )
