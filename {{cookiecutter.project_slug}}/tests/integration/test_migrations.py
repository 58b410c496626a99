"""The migrations lead from nothing to the models' tables and back, and lose no row, on the engine of production."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app import engines
from app.database import Base, engine
from tests.migrating import add_revision
from tests.rows import everything, fill

TABLES = list(Base.metadata.tables)
# An engine that can't change a column in its place copies the table, on the way up and on the way down.
CHANGE_EVERY_TABLE = f"""
def upgrade():
    for table in {TABLES}:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("added", sa.String(10)))
        with op.batch_alter_table(table) as batch:
            batch.alter_column("added", existing_type=sa.String(10), type_=sa.String(20))

def downgrade():
    for table in {TABLES}:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("added")
"""
ADD_A_COLUMN = """
def upgrade():
    op.add_column("users", sa.Column("added", sa.String(10)))
"""
FILL_THE_COLUMN = """
def upgrade():
    op.execute("UPDATE users SET added = 'x'")
"""
ORPHAN_POSTS = """
def upgrade():
    op.execute("UPDATE posts SET author_id = 99")
"""


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_there_is_one_newest_revision(config: Config) -> None:
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_revisions_name_nothing_of_the_application_which_may_be_renamed(config: Config) -> None:
    revisions = [Path(script.path) for script in ScriptDirectory.from_config(config).walk_revisions()]
    named = [
        path.name for path in revisions if re.search(r"^(from|import) app\b", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert (bool(revisions), named) == (True, [])


def test_they_go_up_to_the_tables_of_the_models_down_to_nothing_and_up_again(
    config: Config, spare_database: Engine
) -> None:
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    assert tables(spare_database) == set()
    command.upgrade(config, "head")
    assert tables(spare_database) == set(TABLES)
    command.check(config)


def test_every_constraint_has_the_name_of_the_convention(schema: None) -> None:
    for table in TABLES:
        inspector = inspect(engine)
        names = [constraint["name"] for constraint in inspector.get_unique_constraints(table)]
        names += [constraint["name"] for constraint in inspector.get_foreign_keys(table)]
        assert all(name and name.startswith((f"uq_{table}_", f"fk_{table}_")) for name in names)


def test_a_change_of_every_table_keeps_all_rows(config: Config, spare_db: Session, tmp_path: Path) -> None:
    command.upgrade(config, "head")
    fill(spare_db)
    spare_db.commit()
    rows = everything(spare_db)
    spare_db.rollback()
    assert all(len(found) == 3 for found in rows)
    add_revision(config, tmp_path, "changed", CHANGE_EVERY_TABLE)
    for step in ("+1", "-1"):
        (command.upgrade if step == "+1" else command.downgrade)(config, step)
        assert everything(spare_db) == rows
        spare_db.rollback()


def test_one_that_leaves_rows_without_what_they_refer_to_changes_nothing(
    config: Config, spare_db: Session, tmp_path: Path
) -> None:
    command.upgrade(config, "head")
    fill(spare_db)
    spare_db.commit()
    rows = everything(spare_db)
    spare_db.rollback()
    add_revision(config, tmp_path, "orphans", ORPHAN_POSTS)
    with pytest.raises(IntegrityError):
        command.upgrade(config, "head")
    assert everything(spare_db) == rows


@pytest.mark.slow
def test_of_three_at_once_one_migrates_and_the_others_find_nothing_to_do(spare_database: Engine) -> None:
    migrated = []

    def migrate(connection: Connection) -> None:
        if not inspect(connection).has_table("made"):
            sleep(0.5)
            connection.execute(text("CREATE TABLE made (id INTEGER)"))
            migrated.append(connection)

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(engines.migrate, spare_database, migrate) for _ in range(3)]:
            done.result()
    assert len(migrated) == 1


@pytest.mark.slow
def test_one_that_waits_for_a_long_reader_lets_others_read(
    config: Config, spare_database: Engine, tmp_path: Path
) -> None:
    command.upgrade(config, "head")
    add_revision(config, tmp_path, "added", ADD_A_COLUMN)
    migration = Thread(target=command.upgrade, args=(config, "head"))
    read = text("SELECT count(*) FROM users")
    with spare_database.connect() as long_reader, spare_database.connect() as other:
        long_reader.execute(read)
        migration.start()
        sleep(1)
        began = monotonic()
        other.execute(read)
        waited = monotonic() - began
    migration.join(30)
    assert waited < 10
    assert "added" in {column["name"] for column in inspect(spare_database).get_columns("users")}


def test_one_that_failed_goes_on_once_it_is_corrected(config: Config, spare_database: Engine, tmp_path: Path) -> None:
    command.upgrade(config, "head")
    add_revision(config, tmp_path, "added", ADD_A_COLUMN)
    add_revision(config, tmp_path, "filled", FILL_THE_COLUMN)
    good = (tmp_path / "filled.py").read_text("utf-8")
    (tmp_path / "filled.py").write_text(good.replace("users", "nowhere"), "utf-8")
    with pytest.raises(DBAPIError):
        command.upgrade(config, "head")
    (tmp_path / "filled.py").write_text(good, "utf-8")
    command.upgrade(config, "head")
    assert "added" in {column["name"] for column in inspect(spare_database).get_columns("users")}
