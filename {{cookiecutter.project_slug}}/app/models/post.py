"""What users write."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Base
from app.models.columns import Identified, Timestamped, enum_column

if TYPE_CHECKING:
    from app.models.user import User


class PostStatus(StrEnum):
    """A draft is for its author and admins; a published post is for everybody."""

    DRAFT = "draft"
    PUBLISHED = "published"


class Post(Identified, Timestamped, Base):
    """A text with a unique slug; a deleted one stays in the table, and so does its slug."""

    __tablename__ = "posts"
    __table_args__ = (
        # All posts, and those of one author, in each order. Those by age have what lists are counted by, too.
        Index("ix_posts_created_at", "created_at", "id", "status", "author_id", "deleted_at"),
        Index("ix_posts_updated_at", "updated_at", "id"),
        Index("ix_posts_title", "title", "id"),
        Index("ix_posts_author_id_created_at", "author_id", "created_at", "id", "status", "deleted_at"),
        Index("ix_posts_author_id_updated_at", "author_id", "updated_at", "id"),
        Index("ix_posts_author_id_title", "author_id", "title", "id"),
    )

    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(String(200), unique=True)
    status: Mapped[PostStatus] = mapped_column(enum_column(PostStatus, "status"), default=PostStatus.DRAFT)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    deleted_at: Mapped[datetime | None]

    author: Mapped[User] = relationship(back_populates="posts")
