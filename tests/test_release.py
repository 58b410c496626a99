"""One version, wherever it is named, and a tag that says the same."""

from tests import release
from tests.release import HEADING, problems, versions
from tests.template import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
DATED = HEADING.sub(r"## [\g<version>] - 2026-12-24", CHANGELOG, count=1)


def test_cookiecutter_json_the_metadata_and_the_changelog_name_one_version() -> None:
    assert len(set(versions().values())) == 1, versions()


def test_a_tag_is_the_version_that_the_changelog_dates() -> None:
    tag = f"v{versions()['pyproject.toml']}"
    assert problems(tag, DATED) == []
    assert problems(tag, HEADING.sub(r"## [\g<version>] - unreleased", DATED, count=1)) == [
        "CHANGELOG.md: the newest version has no date."
    ]


def test_another_tag_is_refused_with_a_sentence_for_each_place() -> None:
    version = versions()["pyproject.toml"]
    assert problems("v9.9.9", DATED) == [
        f"{name}: the version is {version}, and the tag v9.9.9."
        for name in ("cookiecutter.json", "pyproject.toml", "CHANGELOG.md")
    ]
    assert release.main("v9.9.9") == 1
