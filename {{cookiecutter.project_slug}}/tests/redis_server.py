"""The Redis that the tests run on, in Docker where none is named. A plugin, see `addopts`."""

import os
from contextlib import ExitStack
from importlib import import_module
from uuid import uuid4

import pytest

IMAGE = "redis:8"
# The settings that are given its URL, and those that keep apart what each process has in it.
URLS = "{{ cookiecutter.__redis_urls }}".split()  # noqa: SIM905 - not the same in every project
NAMES = "{{ cookiecutter.__redis_names }}".split()  # noqa: SIM905 - as above

until_the_end = ExitStack()


def pytest_load_initial_conftests() -> None:
    """Start a server in Docker where none is named, in the process that starts the others; share nothing with them.

    `tests.environment` is registered later and so runs earlier: it has set the defaults.
    """
    if "TEST_REDIS_URL" not in os.environ:
        os.environ["TEST_REDIS_URL"] = started()
    for name in URLS:
        os.environ[name] = os.environ["TEST_REDIS_URL"]
    for name in NAMES:
        os.environ[name] = f"test-{uuid4().hex}"


def started() -> str:
    try:
        container = import_module("testcontainers.community.redis").RedisContainer(IMAGE)
        until_the_end.enter_context(container)
    except Exception as error:  # noqa: BLE001 - whatever keeps Docker from it, the user has two ways on
        raise pytest.UsageError(
            f"no Redis for the tests: set TEST_REDIS_URL (redis://host:6379/0), or start Docker ({error})"
        ) from None
    return f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(container.port)}/0"


def pytest_unconfigure() -> None:
    until_the_end.close()
