"""The migrations on a database of their own, with revisions of the test's beside those of the project."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app import cli, database, engines
from tests.environment import own_part

storage = import_module("tests.{{ cookiecutter.__test_database }}")

REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{name}", "{head}", None, None
"""


@pytest.fixture
def spare_database(schema: None) -> Iterator[Engine]:
    """An empty database beside that of the other tests."""
    url = own_part(database.engine.url, "migrations")
    storage.remove(url)
    # {% if cookiecutter.__database_server %}
    storage.create_missing(url)
    # {% endif %}
    engine = create_engine(url, poolclass=NullPool)
    engines.prepare(engine)
    yield engine
    storage.remove(url)


@pytest.fixture
def config(spare_database: Engine, tmp_path: Path) -> Config:
    """The project's configuration; revisions in `tmp_path` come after the newest of the project."""
    config = Config(toml_file=cli.MIGRATIONS.parent / "pyproject.toml")
    config.set_main_option(
        "sqlalchemy.url", spare_database.url.render_as_string(hide_password=False).replace("%", "%%")
    )
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{cli.MIGRATIONS / 'versions'}\n{tmp_path}")
    return config


@pytest.fixture
def spare_db(spare_database: Engine) -> Iterator[Session]:
    """A session in the database of their own, without a transaction around it."""
    with Session(spare_database) as session:
        yield session


def add_revision(config: Config, folder: Path, name: str, functions: str) -> None:
    """Write a revision that goes on from the newest."""
    head = ScriptDirectory.from_config(config).get_current_head()
    (folder / f"{name}.py").write_text(REVISION.format(name=name, head=head) + functions, "utf-8")
