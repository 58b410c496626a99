"""Baking as the tests of options and hooks need it: through the command line, and with values that Jinja leaves alone."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.template import ROOT


def raw(text: str) -> str:
    """Return an answer that becomes the text: without prompts, cookiecutter renders the answers it is given."""
    return "{{ " + json.dumps(text, ensure_ascii=False) + " }}"


def config(folder: Path, **defaults: str) -> Path:
    """Write a user's configuration that keeps cookiecutter's own files in the folder."""
    path = folder / "config.yaml"
    settings = {
        "cookiecutters_dir": str(folder / "cookiecutters"),
        "replay_dir": str(folder / "replay"),
        "default_context": defaults,
    }
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path


def bake(
    output: Path,
    *arguments: str,
    settings: Path | None,
    answers: str | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter's command: with `--no-input`, or with the answers that somebody types."""
    command = [sys.executable, "-m", "cookiecutter", str(ROOT)]
    command += ["--config-file", str(settings)] if settings else []
    command += ["--output-dir", str(output), *arguments]
    if answers is None:
        command.insert(4, "--no-input")
    return subprocess.run(
        command,
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", "TEMPLATE_LOCK": "0", **(env or {})},
        input=answers or "",
        timeout=60,
    )


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in the folder: the names of all folders and files, and what the files hold."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }
