"""Migrations of a database server, whose tables are in use while they change."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, inspect

from tests.migrating import add_revision

INDEX_OUTSIDE_OF_A_TRANSACTION = """
def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("ix_users_name", "users", ["name"])
"""


def test_a_revision_may_leave_the_transaction(config: Config, spare_database: Engine, tmp_path: Path) -> None:
    command.upgrade(config, "head")
    add_revision(config, tmp_path, "indexed", INDEX_OUTSIDE_OF_A_TRANSACTION)
    command.upgrade(config, "head")
    assert "ix_users_name" in {index["name"] for index in inspect(spare_database).get_indexes("users")}
