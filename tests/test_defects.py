"""The defects of `make sabotage` can be planted: each text stands once in its file, and what takes its place in Python is Python."""

from pathlib import Path
from typing import Any

import pytest

from tests.defects import Defect, defects
from tests.variants import variants


@pytest.fixture(scope="module")
def projects(cookies_session: Any) -> dict[str, Path]:
    """A bake of each variant in which a defect is planted."""
    planted = {defect.variant for defect in defects()}
    chosen = [variant for variant in variants() if variant.id in planted]
    return {one.id: Path(cookies_session.bake(extra_context=dict(one.options)).project_path) for one in chosen}


@pytest.mark.parametrize("defect", defects(), ids=lambda defect: defect.meaning)
def test_it_can_be_planted(projects: dict[str, Path], defect: Defect) -> None:
    good = (projects[defect.variant] / defect.path).read_text(encoding="utf-8")
    wrong = defect.planted_in(good)
    assert wrong != good
    if defect.path.endswith(".py"):
        compile(wrong, defect.path, "exec")


def test_a_text_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"stands 0 times in app/main\.py"):
        Defect("sqlite", "nothing", "app/main.py", "gone", "").planted_in("here")


def test_there_are_many_and_each_has_a_meaning_of_its_own() -> None:
    meanings = {defect.meaning for defect in defects()}
    assert len(meanings) == len(defects()) > 100
