"""The rules about posts."""

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import engines
from app.api.errors import Conflict, Unauthorized
from app.models import Post, PostStatus, User
from app.models.columns import now
from app.posts.schemas import PostCreate, PostRead

SLUG_CONSTRAINT = "uq_posts_slug"
SLUG_TAKEN = "A post with this slug already exists"
# Made once: to put a statement together takes as long as to execute it.
UNDELETED = select(Post).where(Post.id == bindparam("id"), Post.deleted_at.is_(None))


def is_published(post: PostRead) -> bool:
    return post.status is PostStatus.PUBLISHED


def is_visible(post: PostRead, viewer: User | None) -> bool:
    """Return whether the viewer may see the post, which is not deleted: lists say the same in `listing.runs_of`."""
    return is_published(post) or (viewer is not None and (viewer.is_admin or viewer.id == post.author_id))


def read_post(db: Session, post_id: int) -> PostRead | None:
    """Return the post as its readers see it, whoever may."""
    post = find_undeleted_post(db, post_id)
    return None if post is None else PostRead.model_validate(post)


def find_undeleted_post(db: Session, post_id: int) -> Post | None:
    """Return the post whoever may see it: for its writers, who are told that it is not theirs."""
    return db.scalar(UNDELETED, {"id": post_id})


def create_post(db: Session, author: User, data: PostCreate) -> Post:
    """Add a post; raises `Conflict` when the slug is taken, by a deleted post too."""
    post = Post(**data.model_dump(), author_id=author.id)
    db.add(post)
    try:
        flush_slug(db)
    except IntegrityError as error:
        # The author has been deleted since the request was let in.
        if engines.violates(error, "fk_posts_author_id_users"):
            raise Unauthorized("Invalid or expired token") from None
        raise
    return post


def update_post(db: Session, post: Post, changes: dict[str, Any]) -> Post:
    """Change the given fields; raises `Conflict` when the slug is taken."""
    for name, value in changes.items():
        setattr(post, name, value)
    flush_slug(db)
    return post


def delete_post(db: Session, post: Post) -> None:
    """Hide the post from everybody; its row and slug stay."""
    post.deleted_at = now()
    db.flush()


def flush_slug(db: Session) -> None:
    """Flush, and leave it to the unique constraint, which alone knows of requests at the same time, whether it may."""
    try:
        db.flush()
    except IntegrityError as error:
        if engines.violates(error, SLUG_CONSTRAINT):
            raise Conflict(SLUG_TAKEN) from None
        raise
