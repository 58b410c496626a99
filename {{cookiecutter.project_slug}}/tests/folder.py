"""The database that the tests run on where none is named: a file in a temporary folder. A plugin, see `addopts`."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import URL

until_the_end = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Name the file, in the process that starts the others."""
    if "TEST_DATABASE_URL" not in os.environ:
        folder = until_the_end.enter_context(TemporaryDirectory(prefix="test-", ignore_cleanup_errors=True))
        os.environ["TEST_DATABASE_URL"] = f"sqlite:///{Path(folder, 'app_test.db').as_posix()}"


def pytest_unconfigure() -> None:
    until_the_end.close()


@pytest.fixture(scope="session")
def locked_database() -> Iterator[None]:
    """Lock the file, and remove it after the run that created it, or a worker's own."""
    # Imported here, since plugins are imported before the settings have their environment.
    from app.database import engine  # noqa: PLC0415

    file = str(engine.url.database)
    own = not Path(file).exists() or "PYTEST_XDIST_WORKER" in os.environ
    with closing(sqlite3.connect(f"{file}.lock", timeout=0, isolation_level=None)) as lock:
        try:
            # Of a file beside it, since the tests write to this one; the system releases it when the process ends.
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            pytest.exit(f"Another run of the tests uses the database {file}; only one may at a time", 4)
        yield
    engine.dispose()
    if own:
        remove(engine.url)
    Path(f"{file}.lock").unlink(missing_ok=True)


def remove(url: URL) -> None:
    """Remove the file that the URL names."""
    for ending in ("", "-wal", "-shm"):
        Path(f"{url.database}{ending}").unlink(missing_ok=True)
