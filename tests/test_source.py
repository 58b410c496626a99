"""The source of the template: directives that stay few and flat, options that agree with each other, portable names."""

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context

from tests.template import ROOT, SOURCE, choices, context, has_placeholders
from tests.test_variants_baking import KEPT_BY_TOOLS
from tests.variants import Variant, pairwise, variants

DIRECTIVE = re.compile(r"[ \t]*# \{%(?: (?P<if>if .+) %| endif %|- (?P<tight_if>if .+) \+%|- endif \+%)\}")
NOTE = re.compile(r"[ \t]*# \{# .+ #\}")
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}
HOOKS = sorted((ROOT / "hooks").glob("*.py"))


def texts() -> Iterator[tuple[str, list[str]]]:
    """The lines of every file that is rendered, hooks included."""
    for path in [*sorted(SOURCE.rglob("*")), *HOOKS]:
        if path.is_file() and not (KEPT_BY_TOOLS | {".ruff_cache", ".mypy_cache"}) & set(path.parts):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8").split("\n")


def directives(lines: list[str]) -> list[str]:
    return [line for line in lines if DIRECTIVE.fullmatch(line)]


def conditions() -> set[str]:
    found = (DIRECTIVE.fullmatch(line) for _, lines in texts() for line in lines)
    ifs = [match["if"] or match["tight_if"] for match in found if match]
    return {condition.removeprefix("if ") for condition in ifs if condition}


def rendered(variant: Variant) -> Mapping[str, Any]:
    answers = generate_context(str(ROOT / "cookiecutter.json"), extra_context=dict(variant.options))
    facts: Mapping[str, Any] = prompt_for_config(answers, no_input=True)
    return facts


def test_every_directive_has_one_of_the_two_forms_on_a_line_of_its_own() -> None:
    marks = re.compile(r"\{%|\{#")
    allowed = {"hooks/pre_gen_project.py", "hooks/post_gen_project.py"}
    wrong = [
        f"{name}:{number}: {line}"
        for name, lines in texts()
        for number, line in enumerate(lines, 1)
        if marks.search(line) and not DIRECTIVE.fullmatch(line) and not NOTE.fullmatch(line)
        if name not in allowed and not has_placeholders(name.removeprefix(f"{SOURCE.name}/"))
    ]
    assert wrong == []


def test_no_directive_stands_inside_another_and_none_is_left_open() -> None:
    for name, lines in texts():
        opened = ["endif" not in line for line in directives(lines)]
        assert opened == [True, False] * (len(opened) // 2), name


def test_at_most_one_line_in_twenty_of_a_python_file_is_a_directive() -> None:
    # The list of the hook is all directives, so that no file that is baked has to be.
    baked = {name: lines for name, lines in texts() if name.endswith(".py") and not name.startswith("hooks/")}
    shares = {name: len(directives(lines)) / len(lines) for name, lines in baked.items()}
    assert {name: f"{share:.1%}" for name, share in shares.items() if share > 0.05} == {}
    assert any(shares.values())


def test_every_condition_is_true_in_one_variant_and_false_in_another() -> None:
    facts = [rendered(variant) for variant in [*variants(), *pairwise()]]
    env = create_env_with_context({"cookiecutter": dict(facts[0])})
    assert conditions()
    for condition in conditions():
        expression = env.compile_expression(condition)
        assert {bool(expression(cookiecutter=fact)) for fact in facts} == {True, False}, condition


def test_cookiecutter_json_holds_options_and_short_facts() -> None:
    facts = {name: value for name, value in context().items() if isinstance(value, str)}
    assert {name for name, value in facts.items() if len(value) > 120} == set()
    assert {
        name for name, value in facts.items() if re.search(r"\b(SELECT|CREATE|DROP|INSERT|ALTER)\b", value)
    } == set()


def test_no_line_ends_in_a_carriage_return() -> None:
    assert [name for name, lines in texts() if any("\r" in line for line in lines)] == []


def test_every_name_is_a_file_name_on_windows_too() -> None:
    names = [Path(name) for name, _ in texts() if not name.startswith("hooks/")]
    for part in {part for name in names for part in name.parts[1:]}:
        assert not re.search(r'[<>:"\\|?*\x00-\x1f]', part), part
        assert not part.endswith((".", " ")), part
        assert part.split(".")[0].lower() not in DEVICES, part
    for one, other in itertools.combinations(names, 2):
        assert str(one).lower() != str(other).lower()
    assert max(len(str(Path(*name.parts[1:]))) for name in names) < 120


def test_the_hook_and_the_prompts_know_the_same_choices() -> None:
    tree = ast.parse((ROOT / "hooks" / "pre_gen_project.py").read_text(encoding="utf-8"))
    assigned = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert {name: set(values) for name, values in ast.literal_eval(assigned["CHOICES"]).items()} == {
        name: set(values) for name, values in choices().items()
    }
    texts_and_slug = {name for name, value in context().items() if isinstance(value, str) and not name.startswith("_")}
    assert {*ast.literal_eval(assigned["TEXTS"]), "project_slug"} == texts_and_slug


def test_every_option_has_a_prompt_and_every_choice_a_label() -> None:
    prompts = context()["__prompts__"]
    assert set(prompts) == {name for name in context() if not name.startswith("_")}
    for name, values in choices().items():
        if isinstance(context()[name], list):
            assert set(prompts[name]) == {"__prompt__", *values}


def names_of(dependency: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The package that an entry of the lock file asks for, itself and each of the extras."""
    yield dependency["name"], ""
    yield from ((dependency["name"], extra) for extra in dependency.get("extra", []))


def test_a_project_named_like_one_of_its_packages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = {one["name"]: one for one in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]}
    (ours,) = [one for one in locked.values() if "virtual" in one["source"]]
    needed: set[tuple[str, str]] = set()
    waiting = [wanted for dependency in ours["dev-dependencies"]["baked"] for wanted in names_of(dependency)]
    while waiting:
        name, extra = wanted = waiting.pop()
        if wanted not in needed:
            needed.add(wanted)
            of_extra = locked[name].get("optional-dependencies", {}).get(extra, [])
            following = of_extra if extra else locked[name].get("dependencies", [])
            waiting += [one for dependency in following for one in names_of(dependency)]
    monkeypatch.setattr("json.loads", lambda _: {})
    spec = spec_from_file_location("pre_gen_project", ROOT / "hooks" / "pre_gen_project.py")
    assert spec is not None
    assert spec.loader is not None
    hook = module_from_spec(spec)
    spec.loader.exec_module(hook)
    assert {name for name, _ in needed} - hook.DEPENDENCIES == set()


def test_the_example_the_readme_and_the_settings_name_the_same_variables() -> None:
    tree = ast.parse((SOURCE / "app" / "settings" / "__init__.py").read_text(encoding="utf-8"))
    (settings,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings"]
    fields = [node.target for node in settings.body if isinstance(node, ast.AnnAssign)]
    names = {field.id.upper() for field in fields if isinstance(field, ast.Name)}
    example = (SOURCE / ".env.example").read_text(encoding="utf-8")
    readme = (SOURCE / "README.md").read_text(encoding="utf-8")
    # Those that are for compose.yaml alone.
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == names | {"DATABASE_PASSWORD", "REDIS_PASSWORD"}
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE)) == names


def test_the_example_secret_is_the_one_that_production_refuses() -> None:
    (secret,) = re.findall(r'^SECRET_KEY="(.*)"$', (SOURCE / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert f'EXAMPLE_SECRET = "{secret}"' in (SOURCE / "app" / "settings" / "production.py").read_text(encoding="utf-8")
