"""What the database holds, to compare with what it held before, and as if time had passed."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Column, Row, TypeDecorator, insert, select
from sqlalchemy.orm import Session

from app.database import Base
from app.models import RefreshToken
from app.models.columns import now


def everything(db: Session) -> list[Sequence[Row[Any]]]:
    """Return all rows of all tables."""
    db.flush()
    return [db.execute(select(table).order_by(*table.primary_key)).all() for table in Base.metadata.sorted_tables]


def age_spent_tokens(db: Session) -> None:
    """Let the grace pass in which a spent refresh token may come again."""
    for token in db.scalars(select(RefreshToken).where(RefreshToken.spent_at.is_not(None))):
        token.spent_at = now() - timedelta(minutes=1)
    db.flush()


def fill(db: Session) -> None:
    """Add three rows to every table, with a value in each column."""
    for table in Base.metadata.sorted_tables:
        for number in (1, 2, 3):
            db.execute(insert(table).values({column.name: sample(column, number) for column in table.columns}))


def sample(column: Column[Any], number: int) -> Any:
    """Return the value of the row with this number, which is also its key and that of the rows it refers to."""
    of_python = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    kind = of_python.python_type
    if issubclass(kind, Enum):
        return next(iter(kind))
    today = datetime(2026, 1, number, 12, 30, 15, 999, UTC)
    samples = {
        bool: True,
        str: str(number),
        bytes: b"\0",
        Decimal: Decimal(number),
        datetime: today,
        date: today.date(),
    }
    return samples.get(kind, number)
