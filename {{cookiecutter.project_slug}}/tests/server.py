"""The server that the tests run on, in Docker where none is named, and the databases on it. A plugin, see `addopts`."""

import os
from contextlib import ExitStack
from importlib import import_module

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

IMAGE = "{{ cookiecutter.__database_image }}"
MODULE = "testcontainers.community.{{ cookiecutter.__testcontainers_module }}"
CONTAINER = "{{ cookiecutter.__testcontainers_class }}"
# A database that every server has: where one connects to create another.
MAINTENANCE_DATABASE = "{{ cookiecutter.__maintenance_database }}"


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


def create_missing(url: URL) -> None:
    """Create the database that the URL names, unless it is there."""
    engine = create_engine(url)
    try:
        engine.connect().close()
    except OperationalError:
        name = engine.dialect.identifier_preparer.quote_identifier(url.database or "")
        create(url.set(database=MAINTENANCE_DATABASE), name)
    finally:
        engine.dispose()


def create(server: URL, quoted_name: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {quoted_name}"))
    except OperationalError as error:
        pytest.exit(f"TEST_DATABASE_URL: the server does not let the tests create {quoted_name}: {error.orig}", 4)
    finally:
        engine.dispose()
