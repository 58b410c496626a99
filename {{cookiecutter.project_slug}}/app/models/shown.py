"""Invalidates the cached rows that a flush has written, in every process that has the models."""

from sqlalchemy import event
from sqlalchemy.orm import Session

from app import cache
from app.models.post import Post
from app.models.user import User

SHOWN: tuple[type[Post | User], ...] = (Post, User)


@event.listens_for(Session, "after_flush")
def notice_writes(db: Session, _context: object) -> None:
    for model in SHOWN:
        cache.forget(db, model, [row.id for row in (*db.dirty, *db.deleted) if isinstance(row, model)])
