"""Which part of the application may import which: only those below it, so that there is no cycle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import app

ROOT = Path(app.__file__).parent
# From the lowest; a part is a folder or a module of `app/`. A new domain goes above those that it imports.
LAYERS = (
    "engines",
    "settings",
    "api",
    "database",
    "models",
    "observability",
    "mail",
    "cache",
    "rate_limiting",
    "worker",
    "auth",
    "users",
    "posts",
    "imports",
    "middleware",
    "connections",
    "main",
    "cli",
)


def imports_of(path: Path) -> Iterator[str]:
    """Yield the parts of the application that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name.split(".")[1] for name in names if name.startswith("app."))


def test_each_part_imports_only_those_below_it() -> None:
    found = {
        (path.relative_to(ROOT).parts[0].removesuffix(".py"), part)
        for path in ROOT.rglob("*.py")
        if path.parent != ROOT or path.name != "__init__.py"
        for part in imports_of(path)
    }
    assert {part for pair in found for part in pair} <= set(LAYERS), "give each new part its place in LAYERS"
    upwards = {f"{part} imports {other}" for part, other in found if LAYERS.index(part) < LAYERS.index(other)}
    assert upwards == set()
