"""A bake in Docker: its image, and its containers through the commands of its own Makefile."""

import argparse
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.commands import CommandFailed, run
from tests.servers.keeper import free_port

BUILD_OPTIONS = "CONTAINERS_BUILD_OPTIONS"
"""The variable with what the build is to be told beside, in the words of `docker build`."""
BUILD_FILE = "compose.build.yaml"
# One minute of make up, one of pulling what is not there yet.
STARTING = 600


def docker(*arguments: str, folder: Path | None = None, expected: int = 0) -> str:
    extra = {"DOCKER_BUILDKIT": "1"}
    return run(folder or Path.cwd(), "docker", *arguments, extra=extra, seconds=STARTING, expected=expected)


def tell_the_build(project: Path) -> str:
    """Write what the build is to be told beside into a Compose file; return its name, with what goes before it."""
    parser = argparse.ArgumentParser(prog=BUILD_OPTIONS, add_help=False)
    parser.add_argument("--network", default="default")
    parser.add_argument("--build-arg", action="append", default=[], dest="args")
    given = parser.parse_args(shlex.split(os.environ.get(BUILD_OPTIONS, "")))
    told = {"services": {"migrate": {"build": {"context": ".", **vars(given)}}}}
    (project / BUILD_FILE).write_text(json.dumps(told), encoding="utf-8")
    return f":{BUILD_FILE}"


def megabytes_above_base(project: Path, tag: str) -> float:
    base = re.findall(r"^FROM (\S+)", (project / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)[-1]
    return (size(tag) - size(base)) / 1e6


def size(image: str) -> int:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


@dataclass
class Containers:
    """The containers of a bake, under a name of their own and on free ports."""

    project: Path
    files: str
    extra: Mapping[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = {name: free_port() for name in ("WEB_PORT", "MAILPIT_PORT", "HTTP_PORT", "HTTPS_PORT")}

    @property
    def environment(self) -> dict[str, str]:
        ports = {name: str(port) for name, port in self.ports.items()}
        return {"COMPOSE_FILE": self.files + tell_the_build(self.project), **ports, **self.extra}

    def compose(self, *arguments: str, expected: int = 0) -> str:
        command = ("sh", "scripts/compose", *arguments)
        return run(self.project, *command, extra=self.environment, seconds=STARTING, expected=expected)

    def inspected(self, service: str) -> list[dict[str, Any]]:
        """What Docker knows of each container of the service, those that have ended included."""
        ids = self.compose("ps", "--quiet", service).split()
        return [json.loads(docker("inspect", one))[0] for one in ids if re.fullmatch(r"[0-9a-f]{12,}", one)]


@contextmanager
def up(containers: Containers, *arguments: str) -> Iterator[Containers]:
    """Start with `make up`, which builds and waits until the server answers; leave nothing behind.

    Whatever fails is told with the last lines of the containers.
    """
    try:
        command = ("make", "up", f"ARGS={' '.join(arguments)}")
        run(containers.project, *command, extra=containers.environment, seconds=STARTING)
        yield containers
    except (AssertionError, CommandFailed):
        with suppress(CommandFailed):
            print(containers.compose("logs", "--no-color", "--tail", "30"), flush=True)
        raise
    finally:
        containers.compose("down", "--volumes", "--timeout", "5")
