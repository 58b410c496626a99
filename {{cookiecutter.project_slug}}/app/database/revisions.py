"""What Alembic writes into a new revision, where its own comparison of models and tables falls short."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.runtime.plugins import Plugin
from alembic.script import ScriptDirectory
from alembic.util import CommandError, PriorityDispatchResult
from sqlalchemy import CheckConstraint, Enum, Table, TypeDecorator

# A default comes back from the database in other words.
SYNONYMS = {"current_timestamp": "now", "true": "1", "false": "0"}


def compare_default(
    _context: MigrationContext, _found: Any, _column: Any, found: str | None, _default: Any, wanted: str | None
) -> bool | None:
    """Return `False` for two ways to write one default, and leave all others to Alembic."""
    same = found is not None and wanted is not None and plain(found) == plain(wanted)
    return False if same else None


def plain(default: str) -> str:
    """Return a default without brackets, quotes and precision."""
    text = re.sub(r"^\((.*)\)$", r"\1", default)
    text = re.sub(r"^'(.*)'$|\(\d*\)$", r"\1", text).replace("''", "'")
    return SYNONYMS.get(text.lower(), text)


def compare_choices(
    context: AutogenContext,
    change: ops.ModifyTableOps,
    _schema: Any,
    _name: Any,
    found: Table | None,
    model: Table | None,
) -> PriorityDispatchResult:
    """Replace the CHECK of an `Enum` whose values have changed: Alembic compares constraints by name only."""
    if found is None or model is None or context.inspector is None:
        return PriorityDispatchResult.CONTINUE
    texts = {check["name"]: check["sqltext"] for check in context.inspector.get_check_constraints(model.name)}
    for check in model.constraints:
        if not isinstance(check, CheckConstraint) or check.name not in texts:
            continue
        wanted = str(check.sqltext.compile(dialect=context.dialect, compile_kwargs={"literal_binds": True}))
        of_choices = any(isinstance(column.type, Enum) for column in check.columns)
        if of_choices and literals(wanted) != literals(texts[check.name]):
            former = CheckConstraint(texts[check.name], name=check.name, table=found)
            change.ops += [ops.DropConstraintOp.from_constraint(former), ops.AddConstraintOp.from_constraint(check)]
    return PriorityDispatchResult.CONTINUE


def literals(text: str) -> set[str]:
    return set(re.findall(r"'((?:[^']|'')*)'", text))


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write the SQL type of a type of the application, so that renaming that breaks no revision."""
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


def setup(plugin: Plugin) -> None:
    plugin.add_autogenerate_comparator(compare_choices, "table", "choices")


def correct(context: MigrationContext, _revision: Any, scripts: Iterable[ops.MigrationScript]) -> None:
    """Refuse the id of another revision, and leave out what another operation does already."""
    if context.config is None:
        return
    directory = ScriptDirectory.from_config(context.config)
    known = {script.revision for script in directory.walk_revisions()}
    for script in scripts:
        if script.rev_id in known:
            raise CommandError(f"Revision {script.rev_id} is present already")
        for direction in (*script.upgrade_ops_list, *script.downgrade_ops_list):
            dropped = {op.table_name for op in direction.ops if isinstance(op, ops.DropTableOp)}
            for op in direction.ops:
                if isinstance(op, ops.ModifyTableOps):
                    op.ops = list(without_doubles(op.ops, is_dropped=op.table_name in dropped))


def without_doubles(operations: Sequence[ops.MigrateOperation], *, is_dropped: bool) -> Iterator[ops.MigrateOperation]:
    """Yield the operations on a table, but for a CHECK that its new column brings and an index that goes with the table.

    Not every engine drops an index that a foreign key needs.
    """
    new = [op.column for op in operations if isinstance(op, ops.AddColumnOp) and isinstance(op.column.type, Enum)]
    brought = {
        check.name
        for column in new
        for check in column.table.constraints
        if isinstance(check, CheckConstraint) and check.columns.keys() == [column.key]
    }
    for op in operations:
        if isinstance(op, ops.CreateCheckConstraintOp) and op.constraint_name in brought:
            continue
        if not (is_dropped and isinstance(op, ops.DropIndexOp)):
            yield op


Plugin.setup_plugin_from_module(sys.modules[__name__], __name__)
