"""What each engine needs to behave as the others do, in a module of its name."""

from importlib import import_module

from sqlalchemy import Engine


def prepare(engine: Engine) -> None:
    """Set up every connection that the engine opens."""
    import_module(f"{__name__}.{engine.dialect.name}").prepare(engine)
