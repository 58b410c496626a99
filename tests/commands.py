"""Running the commands of a bake as its user would: from its folder, and not seeing the environment of these tests."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TAIL = 60
"""Lines of a failed command's output that are shown."""
OURS = ("COV_", "COVERAGE_", "HYPOTHESIS_", "PYTEST_", "TEST_")
OUR_NAMES = {
    "DATABASE_URL",
    "ENVIRONMENT",
    "FORCE_COLOR",
    "LOG_LEVEL",
    "PYTHONDONTWRITEBYTECODE",
    "SECRET_KEY",
    "UV_PROJECT_ENVIRONMENT",
    "VIRTUAL_ENV",
}
TOOLS = Path(sys.executable).parent


class CommandFailed(Exception):
    """A command of a stage failed; the text is the command and the end of what it said."""

    def __init__(self, command: Sequence[str], folder: Path, ended: str, output: str) -> None:
        lines = output.rstrip().splitlines()
        cut = [f"… {len(lines) - TAIL} lines before …"] if len(lines) > TAIL else []
        super().__init__("\n".join([f"$ {' '.join(command)}", f"in {folder}: {ended}", *cut, *lines[-TAIL:]]))


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a command of a bake, in which the tools of this one are found first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS) and name not in OUR_NAMES}
    kept["PATH"] = os.pathsep.join([str(TOOLS), kept.get("PATH", os.defpath)])
    return {**kept, "NO_COLOR": "1", **(extra or {})}


def run(
    folder: Path, *command: str, extra: Mapping[str, str] | None = None, seconds: float = 240, expected: int = 0
) -> str:
    """Run a command in a folder and return what it wrote; raises `CommandFailed`."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    with ended_with_us(process):
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            raise CommandFailed(command, folder, f"took more than {seconds:.0f} s", output) from None
    if process.returncode != expected:
        raise CommandFailed(command, folder, f"exit code {process.returncode}", output)
    return output


@contextmanager
def ended_with_us(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
