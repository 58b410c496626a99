"""The three servers out of Docker images, through testcontainers."""

import contextlib
import gc
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import docker
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer

from tests.servers.kinds import Kind, NotAnswering

STARTING = 120
"""Seconds that a container may take until its server answers."""


class ContainerFailed(Exception):
    """Docker runs, but not this image."""


@dataclass(frozen=True)
class Image:
    tag: str
    port: int
    url: str
    environment: dict[str, str] = field(default_factory=dict)


IMAGES = {
    "postgresql": Image(
        "postgres:18",
        5432,
        "postgresql://tester:tester@{address}/postgres",
        {"POSTGRES_USER": "tester", "POSTGRES_PASSWORD": "tester", "POSTGRES_DB": "postgres"},
    ),
    # root, since the user that this image can create may use one database only.
    "mysql": Image("mysql:8.4", 3306, "mysql://root:tester@{address}/mysql", {"MYSQL_ROOT_PASSWORD": "tester"}),
    "redis": Image("redis:8", 6379, "redis://{address}/0"),
}


def running() -> bool:
    """Say whether a Docker engine answers."""
    with warnings.catch_warnings():
        # Where there is none, the library forgets to close the socket that it tried.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with contextlib.closing(docker.from_env(timeout=5)) as client:
                return bool(client.ping())
        except DockerException:
            return False
        finally:
            gc.collect()


@contextlib.contextmanager
def run(kind: Kind) -> Iterator[str]:
    """Run the server and yield its URL; raises `ContainerFailed`."""
    image = IMAGES[kind.name]
    container = DockerContainer(image.tag, env=image.environment).with_exposed_ports(image.port)
    with contextlib.ExitStack() as stack:
        stack.callback(container.stop)
        try:
            container.start()
            address = f"{container.get_container_host_ip()}:{container.get_exposed_port(image.port)}"
        # Whatever the engine, the registry or the image does wrong, another way to have the server is tried.
        except Exception as error:
            raise ContainerFailed(f"{image.tag}: {str(error).strip() or type(error).__name__}") from error
        url = image.url.format(address=address)
        wait_until_it_answers(kind, url)
        yield url


def wait_until_it_answers(kind: Kind, url: str) -> None:
    deadline = time.monotonic() + STARTING
    while True:
        try:
            kind.ask(url)
        except NotAnswering as error:
            if time.monotonic() > deadline:
                raise ContainerFailed(f"its {kind.label} does not answer after {STARTING} s: {error}") from None
            time.sleep(0.2)
        else:
            return
