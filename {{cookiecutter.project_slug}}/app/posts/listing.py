"""Lists of posts, which cost the same however many posts there are.

What somebody may see is put together of runs: posts of one status, and perhaps of one author, that an index holds in the
order of the list. No more is read of a run than the page may need.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    asc,
    bindparam,
    desc,
    func,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from app.models import Post, PostStatus, User
from app.models.post_word import PostWord
from app.pages import MOST_COUNTED, PageParams, Slice
from app.posts.schemas import PostParams
from app.words import words_of

MOST_FOUND = 1000
"""How many posts a search looks at that have a word, the newest of them; as many again that have longer ones."""
_LAST_LETTER = "\U0010ffff"


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
    if not runs or (params.q is not None and not words_of(params.q)):
        return Slice([], 0, params.limit, params.offset)
    authors = {"viewer_id": viewer.id if viewer else None, "author_id": params.author_id}
    return read_runs(db, runs, params, authors) if params.q is None else search(db, runs, params.q, params, authors)


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
    column, sign = sorted_by(sort)
    # Nothing in a run has a time of deletion. That it is named lets every engine see that an index is in this order.
    order = [sign(one) for one in (Post.deleted_at, column, Post.id)]
    posts = select(Post.id, column.label("place")).order_by(*order).limit(bindparam("end", type_=Integer))
    heads = together([posts.where(run.condition()) for run in runs]).subquery()
    part = select(heads).order_by(sign(heads.c.place), sign(heads.c.id))
    page = part.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=Integer)).subquery()
    return select(Post).join(page, Post.id == page.c.id).order_by(sign(page.c.place), sign(page.c.id))


def together(statements: list[Select[Any]]) -> Any:
    # Each in brackets of its own, without which not every engine takes its limit.
    return union_all(*(select(statement.subquery()) for statement in statements))


def search(
    db: Session, runs: tuple[Run, ...], q: str, params: PostParams, authors: dict[str, int | None]
) -> Slice[Post]:
    """Read one part of what has this text in its title or body, where its longest word begins a word.

    Of the posts with that word, only the newest `MOST_FOUND` are looked at.
    """
    word = max(words_of(q), key=lambda word: (word.isalnum(), len(word), word))
    part = {"limit": params.limit, "offset": params.offset, "text": f"%{literally(q)}%"}
    values = authors | part | {"word": word, "end": word + _LAST_LETTER, "most": MOST_FOUND}
    rows = db.execute(found(runs, params.sort), values).all()
    # Each row has the number of all; behind the last one there is none to have it.
    total = rows[0].total if rows else db.scalar(count_found(runs), values)
    return Slice([row.Post for row in rows], min(total or 0, MOST_COUNTED), params.limit, params.offset)


@cache
def found(runs: tuple[Run, ...], sort: str) -> Select[Any]:
    column, sign = sorted_by(sort)
    posts = matching(runs, Post, func.count().over().label("total")).order_by(sign(column), sign(Post.id))
    return posts.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=Integer))


@cache
def count_found(runs: tuple[Run, ...]) -> Select[Any]:
    return matching(runs, func.count())


def matching(runs: tuple[Run, ...], *what: Any) -> Select[Any]:
    ids = select(PostWord.post_id).limit(bindparam("most", type_=Integer))
    exact = ids.where(PostWord.word == bindparam("word")).order_by(PostWord.post_id.desc())
    longer = ids.where(PostWord.word > bindparam("word"), PostWord.word < bindparam("end")).order_by(PostWord.word)
    candidates = union(*(select(some.subquery()) for some in (exact, longer))).subquery()
    text = func.lower(bindparam("text", type_=String))
    has_text = or_(*(func.lower(column).like(text, escape="/") for column in (Post.title, Post.body)))
    posts = select(*what).select_from(Post).join(candidates, Post.id == candidates.c.post_id)
    return posts.where(or_(*(run.condition() for run in runs)), has_text)


def literally(text: str) -> str:
    """Return a pattern that matches the text and nothing else."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def sorted_by(sort: str) -> tuple[Any, Callable[[Any], ColumnElement[Any]]]:
    """Return the column, and the direction for it and for the key, which keeps equal values in place from page to page."""
    return getattr(Post, sort.removeprefix("-")), desc if sort.startswith("-") else asc
