"""What each engine needs to behave as the others do, in a module of its name."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from sqlalchemy import Connection, Engine


def prepare(engine: Engine) -> None:
    """Set up every connection that the engine opens."""
    module_of(engine).prepare(engine)


def migrate(engine: Engine, run: Callable[[Connection], None]) -> None:
    """Call `run` with a connection to migrate the database over."""
    module_of(engine).migrate(engine, run)


def module_of(engine: Engine) -> ModuleType:
    return import_module(f"{__name__}.{engine.dialect.name}")
