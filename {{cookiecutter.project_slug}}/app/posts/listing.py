"""Lists of posts, which cost the same however many posts there are.

What somebody may see is put together of runs: posts of one status, and perhaps of one author, that an index holds in the
order of the list. No more is read of a run than the page may need.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, asc, desc, func, or_, select, union, union_all
from sqlalchemy.orm import Session

from app.models import Post, PostStatus, User
from app.models.post_word import PostWord
from app.pages import MOST_COUNTED, Slice, read_slice
from app.posts.schemas import PostParams
from app.words import words_of

MOST_FOUND = 1000
"""How many posts a search looks at that have a word, the newest of them; as many again that have longer ones."""
_LAST_LETTER = "\U0010ffff"

Run = ColumnElement[bool]


def read_posts(db: Session, viewer: User | None, params: PostParams) -> Slice[Post]:
    """Return a page of what the viewer may see and the parameters ask for."""
    runs = runs_of(viewer, params)
    if not runs or (params.q is not None and not words_of(params.q)):
        return Slice([], 0, params.limit, params.offset)
    return read_runs(db, runs, params) if params.q is None else search(db, runs, params.q, params)


def runs_of(viewer: User | None, params: PostParams) -> list[Run]:
    """Return conditions, no two of which hold for a post: together, all that the viewer may see of what is asked for."""
    runs: list[Run] = []
    for status in PostStatus if params.status is None else [params.status]:
        author_id = params.author_id
        if status is PostStatus.DRAFT and not (viewer and viewer.is_admin):
            if viewer is None or author_id not in {None, viewer.id}:
                continue
            author_id = viewer.id
        run = and_(Post.status == status, Post.deleted_at.is_(None))
        runs.append(run if author_id is None else and_(Post.author_id == author_id, run))
    return runs


def read_runs(db: Session, runs: list[Run], params: PostParams) -> Slice[Post]:
    """Read one part of the runs, and count the whole as far as anybody can go: two statements."""
    column, sign = sorted_by(params.sort)
    # Nothing in a run has a time of deletion. That it is named lets every engine see that an index is in this order.
    order = [sign(one) for one in (Post.deleted_at, column, Post.id)]
    most = params.offset + params.limit
    heads = [select(Post.id, column.label("place")).where(run).order_by(*order).limit(most) for run in runs]
    head = together(heads).subquery()
    order = [sign(head.c.place), sign(head.c.id)]
    page = select(head).order_by(*order).limit(params.limit).offset(params.offset).subquery()
    items = select(Post).join(page, Post.id == page.c.id).order_by(sign(page.c.place), sign(page.c.id))
    counted = together([select(Post.id).where(run).limit(MOST_COUNTED) for run in runs])
    total = db.scalar(select(func.count()).select_from(counted.subquery())) or 0
    return Slice(db.scalars(items).all(), min(total, MOST_COUNTED), params.limit, params.offset)


def together(statements: list[Select[Any]]) -> Any:
    # Each in brackets of its own, without which not every engine takes its limit.
    return union_all(*(select(statement.subquery()) for statement in statements))


def search(db: Session, runs: list[Run], q: str, params: PostParams) -> Slice[Post]:
    """Read one part of what has this text in its title or body, where its longest word begins a word.

    Of the posts with that word, only the newest `MOST_FOUND` are looked at.
    """
    word = max(words_of(q), key=lambda word: (word.isalnum(), len(word), word))
    exact = select(PostWord.post_id).where(PostWord.word == word).order_by(PostWord.post_id.desc())
    longer = select(PostWord.post_id).where(PostWord.word > word, PostWord.word < word + _LAST_LETTER)
    limited = [select(ids.limit(MOST_FOUND).subquery()) for ids in (exact, longer.order_by(PostWord.word))]
    found = union(*limited).subquery()
    text = or_(Post.title.icontains(q, autoescape=True), Post.body.icontains(q, autoescape=True))
    statement = select(Post).join(found, Post.id == found.c.post_id).where(or_(*runs), text)
    column, sign = sorted_by(params.sort)
    return read_slice(db, statement, params, sign(column), sign(Post.id))


def sorted_by(sort: str) -> tuple[Any, Callable[[Any], ColumnElement[Any]]]:
    """Return the column, and the direction for it and for the key, which keeps equal values in place from page to page."""
    return getattr(Post, sort.removeprefix("-")), desc if sort.startswith("-") else asc
