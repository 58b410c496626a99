"""What copies of tables, by which SQLite changes them, must not do."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, func, insert, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.database import Base
from app.models import User
from tests.migrating import add_revision
from tests.rows import everything, fill, sample

WIDER_NAMES = """
def upgrade():
    with op.batch_alter_table("users") as batch:
        batch.alter_column("name", existing_type=sa.String(100), type_=sa.String(150))
"""
ORPHANS = """
    op.execute("DELETE FROM users WHERE id = 3")
"""


@pytest.fixture
def filled(config: Config, spare_db: Session) -> Session:
    command.upgrade(config, "head")
    fill(spare_db)
    spare_db.commit()
    return spare_db


def test_a_key_of_a_deleted_row_is_not_given_again(config: Config, filled: Session, tmp_path: Path) -> None:
    filled.execute(delete(User).where(User.id == 3))
    filled.commit()
    add_revision(config, tmp_path, "wider", WIDER_NAMES)
    command.upgrade(config, "head")
    values = {column.name: sample(column, 3) for column in Base.metadata.tables["users"].columns if column.name != "id"}
    filled.execute(insert(User).values(**values))
    assert filled.scalar(select(func.max(User.id))) == 4


def test_a_violation_after_a_copy_leaves_the_tables_as_they_were(
    config: Config, filled: Session, tmp_path: Path
) -> None:
    before, rows = inspect(filled.get_bind()), everything(filled)
    filled.rollback()
    add_revision(config, tmp_path, "orphans", WIDER_NAMES + ORPHANS)
    with pytest.raises(IntegrityError, match="refer to no row, as of row 3 of "):
        command.upgrade(config, "head")
    after = inspect(filled.get_bind())
    assert str(after.get_columns("users")) == str(before.get_columns("users"))
    assert (after.get_table_names(), everything(filled)) == (before.get_table_names(), rows)
