"""What a choice changes in the bake: the licence, the Python versions, and the server that the tests of the CI run on."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.template import choices

YEAR = datetime.now(UTC).year
LICENSES = {
    "MIT": (
        "MIT",
        ["MIT License", f"Copyright (c) {YEAR} Ann O'Nym\n", "Permission is hereby granted, free of charge"],
    ),
    "BSD-3-Clause": (
        "BSD-3-Clause",
        ["BSD 3-Clause License", f"Copyright (c) {YEAR}, Ann O'Nym\n", "Neither the name of the copyright holder nor"],
    ),
    "Apache-2.0": (
        "Apache-2.0",
        [
            "Apache License\n                           Version 2.0, January 2004",
            "9. Accepting Warranty or Additional Liability.",
            "END OF TERMS AND CONDITIONS",
            f"Copyright {YEAR} Ann O'Nym\n",
        ],
    ),
    "Proprietary": ("LicenseRef-Proprietary", [f"Copyright (c) {YEAR} Ann O'Nym. All rights reserved.\n"]),
}
SERVERS = {
    "sqlite": None,
    "postgresql": "postgresql://app:app@{host}:5432/shop_test",
    "mysql": "mysql://app:app@{host}:3306/shop_test",
}


def bake(cookies: Any, **options: str) -> Path:
    result = cookies.bake(extra_context=options)
    assert result.exit_code == 0, result.exception
    return Path(result.project_path)


def read(project: Path, name: str) -> Any:
    return yaml.safe_load((project / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("license_", choices()["license"])
def test_the_licence_is_whole_and_names_year_and_author(cookies: Any, license_: str) -> None:
    project = bake(cookies, license=license_, author_name="Ann O'Nym")
    text = (project / "LICENSE").read_text(encoding="utf-8")
    expression, passages = LICENSES[license_]
    assert [passage for passage in passages if passage not in text] == []
    # The official text has a few of its own, in brackets or not.
    assert not re.search(r"\[(yyyy|year|name of copyright owner|fullname)\]", text)
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (metadata["license"], metadata["license-files"]) == (expression, ["LICENSE"])
    others = {words[0] for name, (_, words) in LICENSES.items() if name != license_}
    assert [words for words in others if words in text] == []


@pytest.mark.parametrize("version", choices()["python_version"])
def test_the_ci_tests_on_the_version_chosen_and_on_the_oldest(cookies: Any, version: str) -> None:
    expected = sorted({"3.11", version})
    github = read(bake(cookies, python_version=version), ".github/workflows/ci.yml")["jobs"]
    assert github["check"]["env"] == {"UV_PYTHON": version}
    assert github["test"]["strategy"]["matrix"] == {"python": expected}
    gitlab = read(bake(cookies, python_version=version, ci_provider="gitlab"), ".gitlab-ci.yml")
    assert gitlab["check"]["variables"] == {"UV_PYTHON": version}
    assert gitlab["test"]["parallel"]["matrix"] == [{"UV_PYTHON": expected}]


@pytest.mark.parametrize("engine", choices()["database_engine"])
def test_the_ci_tests_on_a_server_of_the_engine(cookies: Any, engine: str) -> None:
    github = read(bake(cookies, database_engine=engine, project_slug="shop"), ".github/workflows/ci.yml")
    check(github["jobs"]["test"].get("env", {}), SERVERS[engine], "localhost")
    assert ("services" in github["jobs"]["test"]) is (SERVERS[engine] is not None)
    gitlab = read(bake(cookies, database_engine=engine, project_slug="shop", ci_provider="gitlab"), ".gitlab-ci.yml")
    check(gitlab["test"].get("variables", {}), SERVERS[engine], "database")
    assert ("services" in gitlab["test"]) is (SERVERS[engine] is not None)


def check(variables: dict[str, str], url: str | None, host: str) -> None:
    assert variables.get("TEST_DATABASE_URL") == (url and url.format(host=host))


def test_the_ci_uses_the_commands_of_the_project_and_no_action_of_third_parties(cookies: Any) -> None:
    project = bake(cookies)
    steps = [step for job in read(project, ".github/workflows/ci.yml")["jobs"].values() for step in job["steps"]]
    used = {step["uses"].split("@")[0] for step in steps if "uses" in step}
    assert used == {"actions/checkout", "actions/setup-python"}
    commands = ["make check", "make audit", "make check-migrations", "make test", "docker build ."]
    assert [step["run"] for step in steps if "run" in step] == commands
    gitlab = read(bake(cookies, ci_provider="gitlab"), ".gitlab-ci.yml")
    jobs = ("check", "audit", "test", "build-image")
    assert [line for job in jobs for line in gitlab[job]["script"]] == commands
