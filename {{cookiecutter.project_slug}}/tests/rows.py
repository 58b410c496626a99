"""What the database holds, to compare with what it held before, and as if time had passed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select
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
