"""What a guide in Markdown has its reader do: the files to write, the lines to add, the commands to type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"\b(?:New|In|of),? `([\w./]+\.\w+)`")


@dataclass(frozen=True)
class Step:
    """A block of the guide; `path` is the file that the text before it named last."""

    kind: str
    text: str
    path: str


def steps(guide: str) -> Iterator[Step]:
    path, end = "", 0
    for block in BLOCK.finditer(guide):
        path = ([path, *NAMED.findall(guide[end : block.start()])])[-1]
        end = block.end()
        yield Step(block[1], block[2], path)


def changed(text: str, diff: str) -> str:
    """Return the text with the change made; its place has to be there, and only once."""
    lines = [(line[:1] or " ", line[1:]) for line in diff.splitlines()]
    old = "".join(f"{line}\n" for sign, line in lines if sign in " -")
    new = "".join(f"{line}\n" for sign, line in lines if sign in " +")
    place = re.compile(f"^{re.escape(old)}", re.MULTILINE)
    found = len(place.findall(text))
    if found != 1:
        raise ValueError(f"stands {found} times and not once:\n{old}")
    return place.sub(lambda _: new, text)


def follow(project: Path, step: Step) -> None:
    """Write the file, or change it."""
    path = project / step.path
    if step.kind == "diff":
        path.write_text(changed(path.read_text("utf-8"), step.text), "utf-8")
    else:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as new:
            new.write(step.text)
