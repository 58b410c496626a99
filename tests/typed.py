"""The commands that a document in Markdown has its reader type."""

import re
import shlex
from collections.abc import Iterator

BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
PROGRAM = re.compile(r"(?:make|cookiecutter|docker|pipx|uvx|uv sync|scripts/uv|\S*python -m app\.cli)\b(?= )")


def commands(text: str) -> set[str]:
    """Return the program and what it is to do, without what it is to do that with."""
    found = set()
    for line in [*lines(text), *INLINE.findall(text)]:
        program = PROGRAM.match(line)
        if program is None:
            continue
        name, words = program[0], [word for word in shlex.split(line[program.end() :]) if "=" not in word]
        if name == "make":
            found |= {f"make {word}" for word in words}
        elif name.endswith("app.cli"):
            found.add(f"python -m app.cli {words[0]}")
        elif name == "scripts/uv":
            found.add(" ".join(["scripts/uv", *words[: 4 if words[0] == "tool" else 3]]))
        else:
            found.add(f"{name} {words[0]}")
    return found


def lines(text: str) -> Iterator[str]:
    """Yield the lines of blocks, joined where one ends in a backslash, without what is said about them."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            yield line.partition(" #")[0].strip()
