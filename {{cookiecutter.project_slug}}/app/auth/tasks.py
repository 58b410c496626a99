"""Tasks about sessions."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.database import SessionLocal
from app.models import RefreshToken
from app.models.columns import now
from app.worker import celery

BATCH = 1000


@celery.task
def purge_expired_tokens() -> None:
    """Delete the refresh tokens of sessions that are over, a few at a time, so that nobody waits for their locks."""
    deleted = BATCH
    while deleted == BATCH:
        with SessionLocal.begin() as db:
            deleted = purge_expired(db, BATCH)


def purge_expired(db: Session, most: int) -> int:
    """Delete up to so many tokens of families that have expired to the last, and return how many these were.

    A spent token stays as long as one of its family is good: whoever comes with it ends the session.
    """
    alive = select(RefreshToken.family).where(RefreshToken.expires_at > now())
    expired = select(RefreshToken.id).where(RefreshToken.family.not_in(alive)).limit(most)
    # Read first: not every engine deletes what is found by a look at the same table.
    ids = db.scalars(expired).all()
    db.execute(delete(RefreshToken).where(RefreshToken.id.in_(ids)))
    return len(ids)
