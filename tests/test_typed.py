"""Each command of the documents is run by something, or said to be run by hand and why."""

import re

from tests.template import ROOT, SOURCE
from tests.typed import commands

DOCUMENTS = (ROOT / "README.md", SOURCE / "README.md", SOURCE / "docs/resources.md")
ROW = re.compile(r"^\| (`.+`) \| (.+) \|$", re.MULTILINE)


def test_every_command_of_the_documents_says_what_runs_it() -> None:
    text = (ROOT / "docs/testing.md").read_text("utf-8").split("### The commands of the documents")[1].split("###")[0]
    rows = ROW.findall(text)
    listed = [command for names, _ in rows for command in re.findall(r"`([^`]+)`", names)]
    typed = set().union(*(commands(document.read_text("utf-8")) for document in DOCUMENTS))
    assert len(listed) == len(set(listed))
    assert set(listed) == typed
    for names, by in rows:
        named = re.findall(r"`((?:tests/|\.ci/)[\w./]+)`", by)
        assert [name for name in named if not (ROOT / name).is_file()] == [], names
        assert named or by.startswith("by hand: "), names


def test_commands_are_found_in_blocks_and_within_sentences() -> None:
    text = """
Type `make migration m="add a column"`, and look at `make_url` or `app/main.py`.

```sh
make lock check   # both
docker run --detach \\
    --publish 127.0.0.1:6379:6379 redis:8
.venv/bin/python -m app.cli purge
```
"""
    assert commands(text) == {
        "make migration",
        "make lock",
        "make check",
        "docker run",
        "python -m app.cli purge",
    }
