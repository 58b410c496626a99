"""The rules about posts."""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, false, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from app import engines
from app.api.errors import Conflict, Unauthorized
from app.api.fields import PathId
from app.api.pagination import PageParams, Slice, read_slice

# {%- if cookiecutter.use_redis +%}
from app.cache import cached

# {%- endif +%}
from app.database import SessionDep, reading
from app.models import Post, PostStatus, User
from app.models.columns import now
from app.posts.schemas import PostCreate, PostParams, PostRead

SLUG_CONSTRAINT = "uq_posts_slug"
SLUG_TAKEN = "A post with this slug already exists"
MOST_SEARCHED = 10_000
"""How many posts a search reads: no index helps to find a text in the middle of another one."""
# Made once: to put a statement together takes as long as to execute it.
UNDELETED = select(Post).where(Post.id == bindparam("id"), Post.deleted_at.is_(None))


def is_published(post: PostRead) -> bool:
    return post.status is PostStatus.PUBLISHED


def is_visible(post: PostRead, viewer: User | None) -> bool:
    """Return whether the viewer may see the post, which is not deleted."""
    return is_published(post) or (viewer is not None and (viewer.is_admin or viewer.id == post.author_id))


def visible_to(viewer: User | None) -> ColumnElement[bool]:
    """Return `is_visible` as an SQL condition."""
    published = Post.status == PostStatus.PUBLISHED
    if viewer is None:
        return published
    return true() if viewer.is_admin else or_(published, Post.author_id == viewer.id)


def list_posts(db: Session, viewer: User | None, params: PostParams) -> Slice[Post]:
    """Return a page of the posts that the viewer may see."""
    posts = select(Post).where(Post.deleted_at.is_(None), visible_to(viewer))
    if params.author_id is not None:
        posts = posts.where(Post.author_id == params.author_id)
    if params.status is not None:
        posts = posts.where(Post.status == params.status)
    if params.status is PostStatus.DRAFT and not (viewer and viewer.is_admin):
        # Implied by the other conditions, but no engine concludes it: they would look for it among all posts.
        posts = posts.where(Post.author_id == viewer.id if viewer else false())
    if params.q is None:
        return read_slice(db, posts, params, *order_of(Post, params.sort))
    newest = aliased(Post, posts.order_by(*order_of(Post, "-created_at")).limit(MOST_SEARCHED).subquery())
    found = or_(newest.title.icontains(params.q, autoescape=True), newest.body.icontains(params.q, autoescape=True))
    return read_slice(db, select(newest).where(found), params, *order_of(newest, params.sort))


def order_of(posts: type[Post], sort: str) -> list[Any]:
    """Return an order by the column, and by the id where its values are equal."""
    columns = [getattr(posts, sort.removeprefix("-")), posts.id]
    return [column.desc() for column in columns] if sort.startswith("-") else columns


def list_posts_of(db: Session, author: User, viewer: User | None, params: PageParams) -> Slice[Post]:
    """Return a page of the author's posts that the viewer may see, newest first."""
    return list_posts(db, viewer, PostParams(author_id=author.id, **params.model_dump()))


def read_post(db: Session, post_id: int) -> PostRead | None:
    """Return the post as its readers see it, whoever may."""
    post = find_undeleted_post(db, post_id)
    return None if post is None else PostRead.model_validate(post)


# {% if cookiecutter.use_redis %}
@cached(Post, PostRead, keep=is_published)
# {% endif %}
def load_shown_post(post_id: PathId, db: SessionDep) -> PostRead | None:
    """Return the post, whoever asks."""
    with reading(db):
        return read_post(db, post_id)


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
