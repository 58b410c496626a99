"""The CI and the update files, of every variant and of this repository: valid by their schemas, and safe."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cookiecutter.utils import create_env_with_context

from tests.commands import run
from tests.template import ROOT, SOURCE
from tests.test_source import rendered
from tests.variants import pairwise, variants

WORKFLOW = ".github/workflows/ci.yml"
SCHEMAS = {
    WORKFLOW: "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    "renovate.json": "vendor.renovate",
}
PIN = re.compile(r"(?P<action>[\w-]+/[\w./-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+")


@pytest.fixture(scope="module")
def renderings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of the ways in which one of the files is rendered, as it is in a project."""
    folder = tmp_path_factory.mktemp("renderings")
    seen: set[str] = set()
    for variant in [*variants(), *pairwise()]:
        facts = {"cookiecutter": dict(rendered(variant))}
        env = create_env_with_context(facts)
        for name in SCHEMAS:
            text = env.from_string((SOURCE / name).read_text(encoding="utf-8")).render(**facts)
            if text not in seen:
                seen.add(text)
                path = folder / variant.id / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return folder


def files(renderings: Path, name: str) -> list[Path]:
    """The file in each of its renderings, and that of this repository."""
    return sorted(path for path in [*renderings.glob(f"*/{name}"), ROOT / name] if path.exists())


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_each_is_valid_by_its_schema(renderings: Path, name: str, schema: str) -> None:
    found = files(renderings, name)
    run(renderings, "check-jsonschema", "--builtin-schema", schema, *map(str, found))
    options_that_change_it = {WORKFLOW, ".gitlab-ci.yml"}
    assert len(found) >= (6 if name in options_that_change_it else 1)


def test_zizmor_finds_nothing_in_them(renderings: Path) -> None:
    run(
        renderings,
        "zizmor",
        "--offline",
        "--no-progress",
        "--strict-collection",
        str(renderings),
        str(ROOT / ".github"),
    )


def actions(workflow: Path) -> Iterator[str]:
    yield from re.findall(r"\buses: *(.+)", workflow.read_text(encoding="utf-8"))


def test_every_action_is_pinned_by_a_commit_beside_its_version_and_everywhere_by_the_same(renderings: Path) -> None:
    used = {used for workflow in files(renderings, WORKFLOW) for used in actions(workflow)}
    pinned = [match for match in map(PIN.fullmatch, used) if match]
    assert {match.string for match in pinned} == used
    assert sorted(match["action"] for match in pinned) == ["actions/checkout", "actions/setup-python"]


def test_every_job_has_a_time_limit_and_reads_the_code_and_no_more(renderings: Path) -> None:
    for workflow in files(renderings, WORKFLOW):
        content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
        assert content["permissions"] == {"contents": "read"}
        for job in content["jobs"].values():
            assert job["timeout-minutes"]
            assert "permissions" not in job
            assert job["steps"][0]["with"] == {"persist-credentials": False}
    reserved = {"default", "workflow"}
    for pipeline in files(renderings, ".gitlab-ci.yml"):
        content = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
        assert all(job["timeout"] for name, job in content.items() if name not in reserved)
