"""The migrations lead from nothing to the models' tables and back, on the engine of production."""

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from app import cli
from app.database import Base, engine

VERSION_TABLE = "alembic_version"


@pytest.fixture
def config(schema: None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(cli.MIGRATIONS))
    return config


def tables() -> set[str]:
    return set(inspect(engine).get_table_names()) - {VERSION_TABLE}


def test_there_is_one_newest_revision(config: Config) -> None:
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_the_tables_are_those_of_the_models(config: Config) -> None:
    assert tables() == set(Base.metadata.tables)
    command.check(config)


def test_every_constraint_has_the_name_of_the_convention(config: Config) -> None:
    for table in Base.metadata.tables:
        inspector = inspect(engine)
        names = [constraint["name"] for constraint in inspector.get_unique_constraints(table)]
        names += [constraint["name"] for constraint in inspector.get_foreign_keys(table)]
        assert all(name and name.startswith((f"uq_{table}_", f"fk_{table}_")) for name in names)


@pytest.mark.slow
def test_they_go_down_to_nothing_and_up_again(config: Config) -> None:
    engine.dispose()
    try:
        command.downgrade(config, "base")
        assert tables() == set()
    finally:
        command.upgrade(config, "head")
    assert tables() == set(Base.metadata.tables)
    command.check(config)
