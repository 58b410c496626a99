"""`python -m tests.servers [--only postgresql,mysql] -- COMMAND …`: run a command with the servers up."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from tests.servers import NAMES, ServersMissing, provide

GRACE = 15
"""Seconds that the command gets to end after Ctrl-C or SIGTERM."""


def names(value: str) -> list[str]:
    chosen = [name.strip() for name in value.split(",") if name.strip()]
    for name in chosen:
        if name not in NAMES:
            raise argparse.ArgumentTypeError(f"{name!r} is no server; choose from {', '.join(NAMES)}")
    return chosen


def leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def run(command: Sequence[str], variables: dict[str, str]) -> int:
    try:
        process = subprocess.Popen(command, env={**os.environ, **variables})
    except OSError as error:
        print(f"{command[0]} can't be run: {error.strerror}", file=sys.stderr)
        return 127
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # The terminal sent Ctrl-C to the command as well: it says its last words, then the servers go.
        code = end(process, asked=True)
    except SystemExit:
        end(process, asked=False)
        raise
    return code if code >= 0 else 128 - code


def end(process: subprocess.Popen[bytes], *, asked: bool) -> int:
    if not asked:
        process.terminate()
    try:
        return process.wait(GRACE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.terminate()
    try:
        return process.wait(GRACE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        return process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description="Run a command with the servers up.")
    parser.add_argument("--only", type=names, default=list(NAMES), help=f"some of {','.join(NAMES)}")
    parser.add_argument("command", nargs="+", help="the command, after --")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        with provide(arguments.only) as variables:
            return run(arguments.command, variables)
    except ServersMissing as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
