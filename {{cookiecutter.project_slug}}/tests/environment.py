"""Points the application at a database of the tests, before any of it is imported: a plugin, see `addopts`."""

import os
import secrets
from pathlib import Path

import pytest
from dotenv import dotenv_values
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

# Every setting and its default.
DEFAULTS = Path(__file__).parents[1] / ".env.example"
# What libraries read by themselves.
LIBRARIES = ("OTEL_", "SENTRY_", "PROMETHEUS_")
SUFFIX = "_test"
# With one of these behind its question mark a URL opens another database than the one that it names, on some engine.
OVERRIDING = {"database", "db", "dbname", "service", "uri"}


def pytest_load_initial_conftests() -> None:
    """Give each process a database of its own; `tests.{{ cookiecutter.__test_database }}` came first and saw to it that one is named."""
    url = own_part(checked(os.environ["TEST_DATABASE_URL"]), os.environ.get("PYTEST_XDIST_WORKER"))
    set_defaults()
    os.environ["DATABASE_URL"] = url.render_as_string(hide_password=False)
    os.environ["ENVIRONMENT"] = "test"
    os.environ["LOG_LEVEL"] = "WARNING"
    os.environ["TRUSTED_HOSTS"] = '["testserver"]'
    os.environ["SECRET_KEY"] = secrets.token_hex(32)


def set_defaults() -> None:
    """Give every setting its default as a variable, which takes precedence over `.env`, in subprocesses too."""
    defaults = dotenv_values(DEFAULTS)
    # The names of settings are case-insensitive.
    for name in [name for name in os.environ if name.upper() in defaults or name.upper().startswith(LIBRARIES)]:
        del os.environ[name]
    os.environ.update({name: value or "" for name, value in defaults.items()})


def checked(text: str) -> URL:
    """Return the URL of a database that tests may write to: one whose name ends in `_test`."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise pytest.UsageError("TEST_DATABASE_URL is no database URL") from None
    name = url.database or ""
    # {% if cookiecutter.__sqlite %}
    # It is a file, whose ending does not count.
    name = Path(name).stem
    # {% endif %}
    if not name.endswith(SUFFIX):
        raise pytest.UsageError(
            f"TEST_DATABASE_URL names the database {url.database!r}; the tests only run on one that ends in {SUFFIX}"
        )
    overriding = sorted(OVERRIDING & url.query.keys())
    if overriding:
        raise pytest.UsageError(f"TEST_DATABASE_URL may name another database in {overriding[0]!r}; leave that out")
    return url


def own_part(url: URL, worker: str | None) -> URL:
    """Return the URL of the worker's own database: `shop_test` becomes `shop_gw0_test`."""
    if worker is None:
        return url
    path = Path(url.database or "")
    stem = path.stem.removesuffix(SUFFIX)
    return url.set(database=str(path.with_stem(f"{stem}_{worker}{SUFFIX}")))
