"""The defects of `make sabotage` can be planted: each text stands once in its file, and what takes its place is Python."""

from pathlib import Path
from typing import Any

import pytest

from tests.defects import Defect, defects


@pytest.fixture(scope="module")
def project(cookies_session: Any) -> Path:
    return Path(cookies_session.bake().project_path)


@pytest.mark.parametrize("defect", defects(), ids=lambda defect: defect.meaning)
def test_it_can_be_planted(project: Path, defect: Defect) -> None:
    good = (project / defect.path).read_text(encoding="utf-8")
    wrong = defect.planted_in(good)
    assert wrong != good
    compile(wrong, defect.path, "exec")


def test_a_text_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"stands 0 times in app/main\.py"):
        Defect("nothing", "app/main.py", "gone", "").planted_in("here")


def test_there_are_many_and_each_has_a_meaning_of_its_own() -> None:
    meanings = {defect.meaning for defect in defects()}
    assert len(meanings) == len(defects()) > 60
