"""Points the application at a database of the tests, before any of it is imported: a plugin, see `addopts`."""

import os
import secrets
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from tests import (
    # {% if cookiecutter.__sqlite %}
    folder,
    # {% endif %}
    # {% if cookiecutter.__database_server %}
    server,
    # {% endif %}
)

SUFFIX = "_test"
until_the_end = ExitStack()


def pytest_load_initial_conftests() -> None:
    """Choose the database, in the process that starts the others, and hand each of them one of its own."""
    if "TEST_DATABASE_URL" not in os.environ:
        # {% if cookiecutter.__sqlite %}
        os.environ["TEST_DATABASE_URL"] = until_the_end.enter_context(folder.database())
        # {% endif %}
        # {% if cookiecutter.__database_server %}
        os.environ["TEST_DATABASE_URL"] = until_the_end.enter_context(server.container())
        # {% endif %}
    url = own_part(checked(os.environ["TEST_DATABASE_URL"]), os.environ.get("PYTEST_XDIST_WORKER"))
    os.environ["DATABASE_URL"] = url.render_as_string(hide_password=False)
    os.environ["ENVIRONMENT"] = "test"
    os.environ["LOG_LEVEL"] = "WARNING"
    os.environ["SECRET_KEY"] = secrets.token_hex(32)


def pytest_unconfigure() -> None:
    until_the_end.close()


def checked(text: str) -> URL:
    """Return the URL of a database that tests may write to: one whose name ends in `_test`."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise pytest.UsageError("TEST_DATABASE_URL is no database URL") from None
    if not Path(url.database or "").stem.endswith(SUFFIX):
        raise pytest.UsageError(
            f"TEST_DATABASE_URL names the database {url.database!r}; the tests only run on one that ends in {SUFFIX}"
        )
    return url


def own_part(url: URL, worker: str | None) -> URL:
    """Return the URL of the worker's own database: `shop_test` becomes `shop_gw0_test`."""
    if worker is None:
        return url
    path = Path(url.database or "")
    stem = path.stem.removesuffix(SUFFIX)
    return url.set(database=str(path.with_stem(f"{stem}_{worker}{SUFFIX}")))
