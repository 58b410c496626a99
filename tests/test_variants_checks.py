"""Every variant is clean to ruff and to mypy, before anything of it is installed."""

from pathlib import Path

import pytest

from tests import stages


@pytest.mark.stage("lint")
@pytest.mark.combinations
def test_it_is_linted_and_formatted(project: Path) -> None:
    stages.lint(project)


@pytest.mark.stage("types")
def test_it_is_strictly_typed(project: Path) -> None:
    stages.types(project)
