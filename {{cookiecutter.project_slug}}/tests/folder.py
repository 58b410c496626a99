"""The database that the tests run on where none is named: a file in a temporary folder. A plugin, see `addopts`."""

import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

until_the_end = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Name the file, in the process that starts the others."""
    if "TEST_DATABASE_URL" not in os.environ:
        folder = until_the_end.enter_context(TemporaryDirectory(prefix="test-", ignore_cleanup_errors=True))
        os.environ["TEST_DATABASE_URL"] = f"sqlite:///{Path(folder, 'app_test.db').as_posix()}"


def pytest_unconfigure() -> None:
    until_the_end.close()
