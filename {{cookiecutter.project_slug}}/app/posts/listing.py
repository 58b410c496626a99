"""Lists of posts, which cost the same however many posts there are.

What somebody may see is put together of runs: posts of one status, and perhaps of one author, that an index holds in the
order of the list. No more is read of a run than the page may need.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, asc, bindparam, desc, func, select, union_all
from sqlalchemy.orm import Session

from app.api.pages import MOST_COUNTED, PageParams, Slice
from app.models import Post, PostStatus, User
from app.posts.schemas import PostParams

# What is the same in all of a run, and has to be named in its order for the engine to see that an index is in it.
CONSTANT = [name for name in ["{{ cookiecutter.__run_order }}"] if name]


@dataclass(frozen=True, slots=True)
class Run:
    """Posts of one status, and of one author if `author` names the parameter that says whose."""

    status: PostStatus
    author: str = ""

    def condition(self) -> ColumnElement[bool]:
        posts = and_(Post.status == self.status, Post.deleted_at.is_(None))
        return and_(Post.author_id == bindparam(self.author), posts) if self.author else posts


def list_posts(db: Session, viewer: User | None, params: PostParams) -> Slice[Post]:
    """Return a page of what the viewer may see and the parameters ask for."""
    runs = tuple(runs_of(viewer, params))
    if not runs:
        return Slice([], 0, params.limit, params.offset)
    authors = {"viewer_id": viewer.id if viewer else None, "author_id": params.author_id}
    return read_runs(db, runs, params, authors)


def list_posts_of(db: Session, author: User, viewer: User | None, params: PageParams) -> Slice[Post]:
    """Return a page of the author's posts that the viewer may see, newest first."""
    return list_posts(db, viewer, PostParams(author_id=author.id, **params.model_dump()))


def runs_of(viewer: User | None, params: PostParams) -> Iterator[Run]:
    """Yield runs that have no post in common: together, all that the viewer may see of what is asked for."""
    author = "" if params.author_id is None else "author_id"
    for status in PostStatus if params.status is None else [params.status]:
        if status is PostStatus.PUBLISHED or (viewer is not None and viewer.is_admin):
            yield Run(status, author)
        elif viewer is not None and params.author_id in {None, viewer.id}:
            yield Run(status, "viewer_id")


def read_runs(db: Session, runs: tuple[Run, ...], params: PostParams, authors: dict[str, int | None]) -> Slice[Post]:
    """Read one part of the runs, and count the whole as far as anybody can go: two statements."""
    part = {"limit": params.limit, "offset": params.offset, "end": params.offset + params.limit, "most": MOST_COUNTED}
    total = db.scalar(count_of(runs), authors | part) or 0
    items = db.scalars(page_of(runs, params.sort), authors | part).all()
    return Slice(items, min(total, MOST_COUNTED), params.limit, params.offset)


# Statements are made once: to put one together takes as long as to execute it.
@cache
def count_of(runs: tuple[Run, ...]) -> Select[int]:
    ids = together([select(Post.id).where(run.condition()).limit(bindparam("most", type_=Integer)) for run in runs])
    return select(func.count()).select_from(ids.subquery())


@cache
def page_of(runs: tuple[Run, ...], sort: str) -> Select[Post]:
    _, sign = sorted_by(sort)
    heads = together([head_of(run, sort, "end") for run in runs]).subquery()
    part = select(heads).order_by(sign(heads.c.place), sign(heads.c.id))
    page = part.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=Integer)).subquery()
    return select(Post).join(page, Post.id == page.c.id).order_by(sign(page.c.place), sign(page.c.id))


def head_of(run: Run, sort: str, most: str) -> Select[Any]:
    """Return the ids and places of the first posts of a run, as many as the parameter says."""
    column, sign = sorted_by(sort)
    order = [sign(one) for one in (*(getattr(Post, name) for name in CONSTANT), column, Post.id)]
    posts = select(Post.id, column.label("place")).where(run.condition())
    return posts.order_by(*order).limit(bindparam(most, type_=Integer))


def together(statements: list[Select[Any]]) -> Any:
    # Each in brackets of its own, without which not every engine takes its limit.
    return union_all(*(select(statement.subquery()) for statement in statements))


def sorted_by(sort: str) -> tuple[Any, Callable[[Any], ColumnElement[Any]]]:
    """Return the column, and the direction for it and for the key, which keeps equal values in place from page to page."""
    return getattr(Post, sort.removeprefix("-")), desc if sort.startswith("-") else asc
