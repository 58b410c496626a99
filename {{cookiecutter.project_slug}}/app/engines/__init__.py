"""What each engine needs to behave as the others do, in a module of its name."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

READ_TIMEOUT = "read_timeout"


def module_of(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")


CURRENT = module_of("{{ cookiecutter.database_engine }}")
"""The module of the engine that this project runs on."""


def prepare(engine: Engine) -> None:
    """Set up every connection that the engine opens."""
    module_of(engine.dialect.name).prepare(engine)


def pool_options(url: URL) -> dict[str, Any]:
    """Return this project's options of `create_engine` for the engine of the URL."""
    options: dict[str, Any] = module_of(url.get_backend_name()).POOL_OPTIONS
    return options


@cache
def for_reading(engine: Engine) -> Engine:
    """Return the engine, with the same pool, as requests that only read use it."""
    return engine.execution_options(**module_of(engine.dialect.name).READ_OPTIONS)


def migrate(engine: Engine, run: Callable[[Connection], None]) -> None:
    """Call `run` with a connection to migrate the database over."""
    module_of(engine.dialect.name).migrate(engine, run)


def connect_args(url: URL, *, patient: bool = False) -> dict[str, Any]:
    """Return this project's options of the driver, overridden by the query of the URL, which may have others too.

    With `patient`, a statement may take as long as it needs. Raises `ValueError` for an option that the driver lacks.
    """
    engine = module_of(url.get_backend_name())
    engine.refuse_unknown(url)
    options: dict[str, Any] = dict(engine.OPTIONS)
    for name in options.keys() & url.query.keys():
        try:
            options[name] = int(url.query[name])  # type: ignore[arg-type] # a tuple is of an option that is there twice
        except (TypeError, ValueError):
            raise ValueError(f"has the option {name} with what is no whole number") from None
    if patient and READ_TIMEOUT in options:
        options[READ_TIMEOUT] = None
    return options


def violates(error: IntegrityError, constraint: str) -> bool:
    """Return whether the statement failed because of the constraint of this name."""
    found: bool = CURRENT.violates(error.orig, constraint)
    return found


def is_unavailable(error: DBAPIError | PoolTimeoutError) -> bool:
    """Return whether the database is out of reach, out of space or busy, so that the same request may succeed later."""
    if isinstance(error, PoolTimeoutError) or error.connection_invalidated:
        return True
    found: bool = CURRENT.is_unavailable(error.orig, connecting=error.statement is None)
    return found
