"""A server process that can't outlive the tests, in a temporary folder that can't either."""

import contextlib
import os
import pwd
import select
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from tests.servers.kinds import NotAnswering

STARTING = 60
"""Seconds that a server may take until it answers."""

# Runs as the server's user in a session of its own, so that Ctrl-C doesn't reach it. Its input is a pipe that only the
# tests' process holds open: however that process ends, SIGKILL included, the pipe closes, the server is stopped and
# its folder removed. When the server ends first it closes its output, and the log can still be read.
KEEPER = """
trap : INT TERM HUP
exec 3<&0 0</dev/null 4>&1 >"$FOLDER/log" 2>&1
if eval "$PREPARE"; then
    eval "exec $SERVE" 3<&- 4>&- &
    server=$!
    { cat <&3; kill -s "$STOP" $server; } 4>&- &
    wait $server
fi
exec 4>&-
cat <&3
cd / && rm -rf "$FOLDER"
"""


class ServerFailed(Exception):
    """A server's binaries are here, but it doesn't serve."""


@dataclass(frozen=True)
class Recipe:
    """How to run one server whose data is in `folder`."""

    url: str
    serve: list[str]
    prepare: list[str] = field(default_factory=lambda: ["true"])
    files: dict[str, str] = field(default_factory=dict)
    """Texts that are written to the folder first, for the server only."""
    stop: str = "TERM"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def unprivileged_user(preferred: str) -> pwd.struct_passwd | None:
    """Return who runs the server instead of root, which the servers refuse; None when this isn't root."""
    if os.geteuid() != 0:
        return None
    for name in (preferred, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerFailed(f"root may not run it, and neither {preferred!r} nor 'nobody' is a user of this machine")


def temporary_folder() -> Path:
    """Return a new folder that another user can be given; the TMPDIR of root may be out of their reach."""
    return Path(tempfile.mkdtemp(prefix="tests-server-", dir="/tmp" if os.geteuid() == 0 else None))  # noqa: S108 - see above


@contextlib.contextmanager
def serving(plan: Callable[[Path, int], Recipe], ask: Callable[[str], None], user_name: str) -> Iterator[str]:
    """Run the server that `plan` describes for a folder and a port; yield its URL once it answers."""
    user = unprivileged_user(user_name)
    folder = temporary_folder()
    try:
        recipe = plan(folder, free_port())
        for name, text in recipe.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        if user:
            for path in (folder, *folder.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)
        keeper = start_keeper(folder, recipe, user)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    # Leaving this closes the pipe and waits for the keeper, which waits for the server.
    with keeper:
        wait_until_it_answers(keeper, recipe, folder, ask)
        yield recipe.url


def start_keeper(folder: Path, recipe: Recipe, user: pwd.struct_passwd | None) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(folder),
        "FOLDER": str(folder),
        "PREPARE": shlex.join(recipe.prepare),
        "SERVE": shlex.join(recipe.serve),
        "STOP": recipe.stop,
    }
    return subprocess.Popen(
        ["/bin/sh", "-c", KEEPER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )


def wait_until_it_answers(
    keeper: subprocess.Popen[bytes], recipe: Recipe, folder: Path, ask: Callable[[str], None]
) -> None:
    deadline = time.monotonic() + STARTING
    while True:
        if output_closed(keeper, seconds=0.05):
            raise ServerFailed(f"{recipe.serve[0]} ended while starting: {log_tail(folder)}")
        try:
            ask(recipe.url)
        except NotAnswering as error:
            if time.monotonic() > deadline:
                raise ServerFailed(f"{recipe.serve[0]} does not answer after {STARTING} s: {error}") from None
        else:
            return


def output_closed(keeper: subprocess.Popen[bytes], seconds: float) -> bool:
    readable, _, _ = select.select([cast("IO[bytes]", keeper.stdout)], [], [], seconds)
    return bool(readable)


def log_tail(folder: Path, lines: int = 5) -> str:
    text = (folder / "log").read_text(encoding="utf-8", errors="replace")
    return " | ".join(text.strip().splitlines()[-lines:]) or "nothing in its log"
