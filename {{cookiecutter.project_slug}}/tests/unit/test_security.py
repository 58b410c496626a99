"""SECURITY.md: it names tests and settings that there are, and says of every route who may use it."""

import re
from collections import Counter
from pathlib import Path

from app.settings import Settings
from tests.integration.test_access import ACCESS, EVERYBODY

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")


def access_table() -> str:
    """Return, in Markdown, what each route answers to whom: `ACCESS` for readers."""
    times = Counter((method, path) for method, path, _, _ in ACCESS)
    lines = [("route", *EVERYBODY), ("---",) * (1 + len(EVERYBODY))]
    for method, path, options, statuses in ACCESS:
        fields = ", ".join(options.get("json", ())) if times[method, path] > 1 else ""
        lines.append((f"`{method} {path}`" + (f", {fields}" if fields else ""), *(str(status) for status in statuses)))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def test_it_shows_who_may_use_which_route() -> None:
    table = access_table()
    print(f"\n{table}")  # noqa: T201 - to be copied, of a failed test or with -s
    (shown,) = re.findall(r"^\| route \|.*(?:\n\|.*)+", TEXT, re.MULTILINE)
    assert shown == table


def test_every_test_that_it_names_is_there_and_it_names_every_attack() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT))
    assert sorted(name for name in named if not (ROOT / name).is_file()) == []
    attacks = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/integration/test_attacks_*.py")}
    assert attacks
    assert sorted(attacks - named) == []


def test_every_setting_that_it_names_is_there() -> None:
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", TEXT))
    assert {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "ACCESS_TOKEN_MINUTES"} <= named
    assert sorted(named - {name.upper() for name in Settings.model_fields}) == []
