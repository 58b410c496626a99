"""Every variant runs in an environment of its own, on a real server of its engine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import stages
from tests.variants import Variant


@pytest.mark.stage("install")
def test_its_environment_is_installed_from_its_pyproject(installed: Path) -> None:
    assert (installed / ".venv").is_dir()
    assert (installed / "uv.lock").is_file()


@pytest.mark.stage("dependencies")
def test_it_declares_what_it_imports_and_nothing_else(installed: Path) -> None:
    stages.dependencies(installed)


@pytest.mark.stage("hooks")
def test_its_pre_commit_hooks_change_nothing(installed: Path, variant: Variant) -> None:
    stages.hooks(installed, variant)


@pytest.mark.stage("migrations")
def test_its_migrations_go_up_down_and_up_without_drift(installed: Path, variant: Variant, servers: None) -> None:
    stages.migrations(installed, variant)


@pytest.mark.stage("suite")
# Beyond the limit of the suite itself, whose output says where it was.
@pytest.mark.timeout(stages.SUITE_SECONDS + 60)
def test_its_own_suite_passes(
    installed: Path, variant: Variant, servers: None, record_property: Callable[[str, object], None]
) -> None:
    result = stages.suite(installed, variant)
    record_property("tests", result.passed)


@pytest.mark.stage("boot")
def test_it_serves_a_real_client_in_production_and_stops_when_asked(
    installed: Path, variant: Variant, servers: None
) -> None:
    stages.boot(installed, variant)
