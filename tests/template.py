"""Where the template is, and what its cookiecutter.json offers."""

import json
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "{{cookiecutter.project_slug}}"


@cache
def context() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    return loaded


def has_placeholders(name: str) -> bool:
    """Return whether the file has placeholders of its own when it is baked: it is a template of the project."""
    return name.startswith("app/mail/templates/")


@cache
def choices() -> dict[str, tuple[str | bool, ...]]:
    """Return the values of every option that is a choice, the default first."""
    found: dict[str, tuple[str | bool, ...]] = {}
    for name, value in context().items():
        if name.startswith("_"):
            continue
        if isinstance(value, list):
            found[name] = tuple(value)
        elif isinstance(value, bool):
            found[name] = (value, not value)
    return found
