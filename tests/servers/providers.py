"""Choosing where each server comes from."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from tests.servers import apt, binaries, containers
from tests.servers.keeper import ServerFailed
from tests.servers.kinds import KINDS, Kind, NotAnswering


class ServersMissing(Exception):
    """No way to have a server; the text says what to do."""


@contextlib.contextmanager
def provide(names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the variables that name the servers, and stop what was started; raises `ServersMissing`."""
    kinds = [KINDS[name] for name in names]
    with contextlib.ExitStack() as stack:
        yield {kind.variable: server(stack, kind) for kind in kinds}


def server(stack: contextlib.ExitStack, kind: Kind) -> str:
    if url := os.environ.get(kind.variable):
        return given(kind, url)
    refusals: list[str] = []
    started = time.monotonic()
    if containers.running():
        try:
            url = stack.enter_context(containers.run(kind))
        except containers.ContainerFailed as error:
            refusals.append(f"Docker: {error}")
        else:
            return told(kind, url, "Docker", started)
    if not binaries.installed(kind) and apt.usable():
        say(f"{kind.name}: installing {' '.join(kind.packages)} with apt")
        try:
            apt.install(kind.packages)
        except apt.InstallFailed as error:
            refusals.append(str(error))
    if binaries.installed(kind):
        try:
            url = stack.enter_context(binaries.run(kind))
        except ServerFailed as error:
            refusals.append(str(error))
        else:
            return told(kind, url, binaries.program_of(kind.name), started)
    raise ServersMissing(missing(kind, refusals))


def given(kind: Kind, url: str) -> str:
    if urlsplit(url).scheme not in kind.schemes:
        raise ServersMissing(f"{kind.variable} must start with {' or '.join(f'{name}://' for name in kind.schemes)}.")
    try:
        kind.ask(url)
    except NotAnswering as error:
        raise ServersMissing(f"The server that {kind.variable} names does not answer: {error}") from None
    return url


def missing(kind: Kind, refusals: Sequence[str]) -> str:
    why = f" ({'; '.join(refusals)})" if refusals else ""
    return (
        f"The tests need {kind.label}{why}: set {kind.variable} to a server's URL, start Docker, "
        f"or install the server (on Debian and Ubuntu: apt-get install {' '.join(kind.packages)})."
    )


def told(kind: Kind, url: str, source: str, started: float) -> str:
    say(f"{kind.name}: {source}, port {urlsplit(url).port}, up in {time.monotonic() - started:.1f} s")
    return url


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
