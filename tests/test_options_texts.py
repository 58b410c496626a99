"""Whatever somebody types as a text is baked as that text, into every file where it lands, and never run."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bakes import bake, config, contents, raw
from tests.commands import TOOLS

TEXTS = {
    "quotes": """Bob's "Best" API""",
    "three double quotes": '''"""''',
    "three single quotes": "'''",
    "backslashes": r"C:\new\table \x41 \u0041 \N{BULLET}",
    "a trailing backslash": "ends in \\",
    "a backslash before a quote": r"\" + 1 + \"",
    "a comment of Jinja": "# {# #{ {#",
    "closing braces": "}} %}",
    "braces of a format": "{0} {name} %s $x ${x}",
    "YAML": "- a: b # c & *d !e |",
    "TOML": '"] = # [[x]]',
    "Markdown": "# *a* <b> [c](d) `e`",
    "commands": '$(touch pwned) `touch pwned`; touch pwned; "; import os; os.mkdir("pwned"); "',
    "an import": "__import__('os').mkdir('pwned')",
    "emoji": "🚀 👩🏽‍💻 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "Cyrillic": "Служба учёта",
    "Chinese": "訂單管理系統",
    "Arabic": "خدمة الطلبات",
    "letters that look like others": "\u0397\u0435ll\u043e W\u043erld\u2019s",
    "spaces around": "  between  ",
    "a word of YAML": "no",
    "a number": "1e3",
    "very long": "long " * 600,
}


@pytest.fixture(scope="session", params=list(TEXTS.values()), ids=list(TEXTS))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def project(text: str, cookies_session: Any) -> Path:
    """A bake in which every text is the hostile one."""
    names = ("project_name", "description", "author_name", "author_email")
    answers = {name: raw(text) for name in names} | {"project_slug": "hostile-texts"}
    result = cookies_session.bake(extra_context=answers)
    assert result.exit_code == 0, result.exception
    return Path(result.project_path)


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")


def test_the_metadata_is_the_text(project: Path, text: str) -> None:
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["description"] == text
    assert metadata["authors"] == [{"name": text, "email": text}]


def test_title_and_description_of_the_api_are_the_text(project: Path, text: str) -> None:
    tree = ast.parse((project / "app" / "main.py").read_text(encoding="utf-8"))
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    arguments = {one.arg: ast.literal_eval(one.value) for one in keywords if one.arg in {"title", "description"}}
    assert arguments == {"title": text, "description": text}


def test_every_python_file_parses_and_those_with_the_text_are_clean(project: Path, text: str) -> None:
    carriers = [path for path in project.rglob("*.py") if text in list(strings(path))]
    assert carriers
    for arguments in (("check", "--no-cache"), ("format", "--check", "--no-cache")):
        command = [TOOLS / "ruff", *arguments, *carriers]
        done = subprocess.run(command, cwd=project, capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stdout


def test_every_yaml_file_parses(project: Path) -> None:
    configurations = [*project.rglob("*.yml"), *project.rglob("*.yaml")]
    assert configurations
    for path in configurations:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        assert documents, path
        assert all(isinstance(document, dict) for document in documents), path


def test_readme_and_licence_carry_the_text(project: Path, text: str) -> None:
    assert (project / "README.md").read_text(encoding="utf-8").splitlines()[:3] == [
        f"# {text.strip()}",
        "",
        text.strip(),
    ]
    assert f" {text.strip()}\n" in (project / "LICENSE").read_text(encoding="utf-8")


def test_no_line_ends_in_white_space(project: Path) -> None:
    files = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts]
    assert [path for path in files if any(line != line.rstrip(" \t") for line in lines(path))] == []


def test_nothing_of_the_text_was_run(project: Path) -> None:
    assert [name for name in contents(project.parent) if name.endswith("pwned")] == []


def test_answers_typed_at_the_prompts_are_not_rendered(tmp_path: Path) -> None:
    typed = "# {# #{ ''' \\"
    answers = [typed, "typed", typed, typed, typed, "3", "1", "y", "n", "2", "1"]
    done = bake(tmp_path / "out", settings=config(tmp_path), answers="\n".join([*answers, ""]))
    assert done.returncode == 0, done.stderr
    metadata = tomllib.loads((tmp_path / "out" / "typed" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["description"] == typed
    assert metadata["authors"] == [{"name": typed, "email": typed}]
    assert metadata["license"] == "Apache-2.0"
    assert (tmp_path / "out" / "typed" / ".gitlab-ci.yml").exists()


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Мой проект", "moi-proekt"),
        ("訂單", "ding-dan"),
        ("Café & Bar: Orders!", "cafe-bar-orders"),
        ("🚀", "project"),
        ("Shop " * 60, "shop-" * 9 + "shop"),
    ],
)
def test_a_title_in_any_language_makes_a_slug(cookies: Any, title: str, slug: str) -> None:
    result = cookies.bake(extra_context={"project_name": title})
    assert result.exit_code == 0
    assert result.project_path.name == slug


@pytest.mark.parametrize("slug", ["a", "app", "test", "a1-b2-3", "a" * 50])
def test_any_slug_of_lower_case_words_names_folder_and_distribution(cookies: Any, slug: str) -> None:
    result = cookies.bake(extra_context={"project_slug": slug})
    assert result.exit_code == 0
    assert result.project_path.name == slug
    metadata = tomllib.loads((result.project_path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["name"] == slug


def test_an_address_may_be_empty(cookies: Any) -> None:
    result = cookies.bake(extra_context={"author_email": "", "description": ""})
    assert result.exit_code == 0
