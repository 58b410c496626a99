"""The server that the tests run on: a container where none is named, and a database made where it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

IMAGE = "{{ cookiecutter.__database_image }}"
MODULE = "testcontainers.{{ cookiecutter.__testcontainers_module }}"
CONTAINER = "{{ cookiecutter.__testcontainers_class }}"
# A database that every server has: where one connects to create another.
MAINTENANCE_DATABASE = "{{ cookiecutter.__maintenance_database }}"


@contextmanager
def container() -> Iterator[str]:
    """Yield the URL of a database on a server that Docker runs until the end of the session."""
    make = getattr(import_module(MODULE), CONTAINER)
    try:
        # The server's own administrator, who may create a database for each worker.
        running = make(IMAGE, username="root", password="root", dbname="app_test").start()
    except Exception as error:  # noqa: BLE001 - whatever keeps Docker from it, the user has two ways on
        raise pytest.UsageError(
            f"no database for the tests: set TEST_DATABASE_URL (name ending in _test), or start Docker ({error})"
        ) from None
    try:
        yield running.get_connection_url()
    finally:
        running.stop()


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
