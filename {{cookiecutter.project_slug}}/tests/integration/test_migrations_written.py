"""What Alembic writes from a change of the models says all of it, runs, and goes back, on the engine of production."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Engine,
    Enum,
    ForeignKey,
    String,
    Table,
    UniqueConstraint,
    column,
    func,
    insert,
    inspect,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError

from app import cli
from app.database import Base, UTCDateTime

Write = Callable[..., object]


@pytest.fixture
def write(config: Config, tmp_path: Path) -> Write:
    """Return what writes a revision, on a database that has all others."""
    command.upgrade(config, "head")
    return partial(command.revision, config, version_path=str(tmp_path), autogenerate=True)


@pytest.fixture
def define() -> Iterator[Callable[..., None]]:
    """Return what defines the table `notes`, or defines it anew."""

    def define(*columns: Any) -> None:
        remove()
        Table("notes", Base.metadata, Column("id", BigInteger, primary_key=True), *columns)

    def remove() -> None:
        if "notes" in Base.metadata.tables:
            Base.metadata.remove(Base.metadata.tables["notes"])

    yield define
    remove()


def test_two_of_one_message_are_two_files(write: Write, config: Config, tmp_path: Path) -> None:
    for _ in range(2):
        write("Add a column")
        command.upgrade(config, "head")
    files = sorted(tmp_path.glob("*_add_a_column.py"))
    texts = [file.read_text("utf-8") for file in files]
    assert len(files) == 2
    with pytest.raises(CommandError, match="present"):
        write("Add a column", rev_id=files[1].name.split("_")[1])
    assert [file.read_text("utf-8") for file in sorted(tmp_path.glob("*.py"))] == texts


def test_a_table_goes_up_is_compared_clean_and_goes_down(
    write: Write, define: Callable[..., None], config: Config, spare_database: Engine
) -> None:
    define(
        Column("event", BigInteger, ForeignKey("posts.id"), index=True),
        Column("person", BigInteger, ForeignKey("users.id"), index=True),
        Column("number", BigInteger),
        Column("moment", UTCDateTime, server_default=func.now()),
        Column("day", UTCDateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
        Column("empty", String(10), nullable=False, server_default=""),
        Column("word", String(10), nullable=False, server_default="Word"),
        Column("count", BigInteger, server_default="0"),
        Column("good", Boolean, server_default=text("true")),
        Column("bad", Boolean, server_default=text("false")),
        UniqueConstraint("event", "number"),
        UniqueConstraint("event", "person"),
    )
    write("add notes")
    command.upgrade(config, "head")
    command.check(config)
    names = {one["name"] for one in inspect(spare_database).get_unique_constraints("notes")}
    assert names == {"uq_notes_event_number", "uq_notes_event_person"}
    command.downgrade(config, "-1")
    assert not inspect(spare_database).has_table("notes")


def test_a_change_of_the_choices_is_written_and_taken_back(
    write: Write, define: Callable[..., None], config: Config, spare_database: Engine
) -> None:
    def choices(*values: str, name: str = "status") -> Column[str]:
        return Column(name, Enum(*values, name=name, native_enum=False, create_constraint=True, length=20))

    def accepted(name: str) -> list[str]:
        found = []
        for value in ("draft", "published", "archived"):
            with suppress(DBAPIError), spare_database.begin() as connection:
                # Not the model's table, whose type would refuse the value itself.
                connection.execute(insert(table("notes", column(name))).values({name: value}))
                found.append(value)
        with spare_database.begin() as connection:
            connection.execute(text("DELETE FROM notes"))
        return found

    definitions: list[list[Any]] = [
        [choices("draft", "published")],
        [choices("draft", "archived", "published")],
        [choices("archived"), choices("draft", name="kind"), Column("number", BigInteger)],
        [Column("number", BigInteger), CheckConstraint("number > 0", name="number")],
    ]
    for columns in definitions:
        define(*columns)
        write("change notes")
        command.upgrade(config, "head")
        command.check(config)
    command.downgrade(config, "-1")
    assert accepted("kind") == ["draft"]
    steps = [accepted("status")]
    for _ in definitions[2:]:
        command.downgrade(config, "-1")
        steps.append(accepted("status"))
    assert steps == [["archived"], ["draft", "published", "archived"], ["draft", "published"]]


def test_alembic_runs_from_any_folder(tmp_path: Path) -> None:
    configuration = str(cli.MIGRATIONS.parent / "pyproject.toml")
    command = [sys.executable, "-P", "-m", "alembic", "--config", configuration, "upgrade", "head", "--sql"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0  # noqa: S603 - nothing of it is given
