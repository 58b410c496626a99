"""Deleting the tokens that are good for nothing any more."""

from typing import Any

from sqlalchemy import Select, delete, select

from app.database import SessionLocal
from app.models import OneTimeToken, RefreshToken
from app.models.columns import now

BATCH = 1000


def purge_expired() -> int:
    """Delete what has expired, a few at a time, so that nobody waits for their locks; return how many these were."""
    deleted = 0
    for model, expired in ((RefreshToken, expired_sessions), (OneTimeToken, expired_one_time_tokens)):
        batch = BATCH
        while batch == BATCH:
            batch = purge_batch(model, expired().limit(BATCH))
            deleted += batch
    return deleted


def expired_sessions() -> Select[int]:
    """Select the tokens of families that have expired to the last.

    A spent token stays as long as one of its family is good: whoever comes with it ends the session.
    """
    alive = select(RefreshToken.family).where(RefreshToken.expires_at > now())
    return select(RefreshToken.id).where(RefreshToken.family.not_in(alive))


def expired_one_time_tokens() -> Select[int]:
    return select(OneTimeToken.id).where(OneTimeToken.expires_at <= now())


def purge_batch(model: Any, expired: Select[int]) -> int:
    with SessionLocal.begin() as db:
        # Read first: not every engine deletes what is found by a look at the same table.
        ids = db.scalars(expired).all()
        db.execute(delete(model).where(model.id.in_(ids)))
    return len(ids)
