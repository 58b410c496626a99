"""The rules about posts."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import Conflict, Unauthorized
from app.models import Post, PostStatus, User
from app.models.columns import now
from app.pages import PageParams, Slice, read_slice
from app.posts.schemas import PostCreate, PostParams, PostRead

SLUG_TAKEN = "A post with this slug already exists"


def visible_to(viewer: User | None) -> ColumnElement[bool]:
    """Return the condition under which a reader may see a post: never when deleted, a draft only as author or admin."""
    exists = Post.deleted_at.is_(None)
    published = Post.status == PostStatus.PUBLISHED
    if viewer is None:
        return and_(exists, published)
    if viewer.is_admin:
        return exists
    return and_(exists, or_(published, Post.author_id == viewer.id))


def is_published(post: PostRead) -> bool:
    return post.status is PostStatus.PUBLISHED


def is_visible(post: PostRead, viewer: User | None) -> bool:
    """Return what `visible_to` says, of a post that is not deleted."""
    return is_published(post) or (viewer is not None and (viewer.is_admin or viewer.id == post.author_id))


def read_post(db: Session, post_id: int) -> PostRead | None:
    """Return the post as its readers see it, whoever may."""
    post = find_undeleted_post(db, post_id)
    return None if post is None else PostRead.model_validate(post)


def find_undeleted_post(db: Session, post_id: int) -> Post | None:
    """Return the post whoever may see it: for its writers, who are told that it is not theirs."""
    return db.scalar(select(Post).where(Post.id == post_id, Post.deleted_at.is_(None)))


def list_posts(db: Session, viewer: User | None, params: PostParams) -> Slice[Post]:
    """Return a page of what the viewer may see and the parameters ask for."""
    statement = select(Post).where(visible_to(viewer))
    if params.status is not None:
        statement = statement.where(Post.status == params.status)
    if params.author_id is not None:
        statement = statement.where(Post.author_id == params.author_id)
    if params.q is not None:
        statement = matching(statement, params.q)
    return read_slice(db, statement, params, *order_by(params.sort))


def list_posts_of(db: Session, author: User, viewer: User | None, params: PageParams) -> Slice[Post]:
    """Return a page of the author's posts that the viewer may see, newest first."""
    statement = select(Post).where(visible_to(viewer), Post.author_id == author.id)
    return read_slice(db, statement, params, *order_by("-created_at"))


def matching(statement: Select[Any], q: str) -> Select[Any]:
    """Keep the posts with this text in title or body, in any case; `%` and `_` mean themselves."""
    return statement.where(or_(Post.title.icontains(q, autoescape=True), Post.body.icontains(q, autoescape=True)))


def order_by(sort: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return the order, made stable by the key: rows with equal values keep their place from page to page."""
    column = getattr(Post, sort.removeprefix("-"))
    return (column.desc(), Post.id.desc()) if sort.startswith("-") else (column.asc(), Post.id.asc())


def create_post(db: Session, author: User, data: PostCreate) -> Post:
    """Add a post; raises `Conflict` when the slug is taken, by a deleted post too."""
    author_id = author.id
    post = Post(**data.model_dump(), author_id=author_id)
    db.add(post)
    try:
        flush_slug(db)
    except Conflict:
        # The database refuses in the same way what nobody is the author of.
        db.rollback()
        if db.get(User, author_id) is None:
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
    except IntegrityError:
        raise Conflict(SLUG_TAKEN) from None
