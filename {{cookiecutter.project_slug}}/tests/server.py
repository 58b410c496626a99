"""The server that the tests run on, in Docker where none is named, and the databases on it. A plugin, see `addopts`."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module

import pytest
from sqlalchemy import URL, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

IMAGE = "{{ cookiecutter.__database_image }}"
# The maintenance database is one that every server has: where one connects to create another. The lock is held by a
# connection to the database of the tests for as long as they run.
# {% if cookiecutter.__postgresql %}
MODULE, CONTAINER = "testcontainers.community.postgres", "PostgresContainer"
MAINTENANCE_DATABASE = "postgres"
LOCK = text("SELECT pg_try_advisory_lock(hashtext('tests'))")
DROP = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
# {% endif %}
# {% if cookiecutter.__mysql %}
MODULE, CONTAINER = "testcontainers.community.mysql", "MySqlContainer"
MAINTENANCE_DATABASE = ""
LOCK = text("SELECT GET_LOCK(SHA1(CONCAT(DATABASE(), '.tests')), 0)")
DROP = "DROP DATABASE IF EXISTS {}"
# {% endif %}

until_the_end = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start a server in Docker where no database is named, in the process that starts the others."""
    if "TEST_DATABASE_URL" in os.environ:
        return
    try:
        # As the server's own administrator, who may create a database for each worker.
        make = getattr(import_module(MODULE), CONTAINER)
        container = make(IMAGE, username="root", password="root", dbname="app_test")
        until_the_end.enter_context(container)
    except Exception as error:  # noqa: BLE001 - whatever keeps Docker from it, the user has two ways on
        raise pytest.UsageError(
            f"no database for the tests: set TEST_DATABASE_URL (name ending in _test), or start Docker ({error})"
        ) from None
    os.environ["TEST_DATABASE_URL"] = container.get_connection_url()


def pytest_unconfigure() -> None:
    until_the_end.close()


@pytest.fixture(scope="session")
def locked_database() -> Iterator[None]:
    """Create the database unless it is there, lock it, and drop it after the run that created it, or a worker's own."""
    # Imported here, since plugins are imported before the settings have their environment.
    from app.database import engine  # noqa: PLC0415

    own = create_missing(engine.url) or "PYTEST_XDIST_WORKER" in os.environ
    locking = create_engine(engine.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with locking.connect() as connection:
        if not connection.scalar(LOCK):
            pytest.exit(f"Another run of the tests uses the database {engine.url.database}; only one may at a time", 4)
        yield
    engine.dispose()
    if own:
        remove(engine.url)


def create_missing(url: URL) -> bool:
    """Create the database that the URL names and return True, unless it is there."""
    engine = create_engine(url)
    try:
        engine.connect().close()
    except OperationalError:
        try:
            execute(url, "CREATE DATABASE {}")
        except OperationalError as error:
            name = url.database
            pytest.exit(f"TEST_DATABASE_URL: the server does not let the tests create {name}: {error.orig}", 4)
        return True
    finally:
        engine.dispose()
    return False


def remove(url: URL) -> None:
    """Drop the database that the URL names."""
    execute(url, DROP)


def execute(url: URL, statement: str) -> None:
    """Execute a statement about the database that the URL names, from another one."""
    engine = create_engine(url.set(database=MAINTENANCE_DATABASE), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    name = engine.dialect.identifier_preparer.quote_identifier(url.database or "")
    with engine.connect() as connection:
        connection.execute(text(statement.format(name)))
