"""What the database holds, to compare with what it held before."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.database import Base


def everything(db: Session) -> list[Sequence[Row[Any]]]:
    """Return all rows of all tables."""
    db.flush()
    return [db.execute(select(table).order_by(*table.primary_key)).all() for table in Base.metadata.sorted_tables]
