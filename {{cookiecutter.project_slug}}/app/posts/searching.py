"""Searches of posts: a text is found where its longest word begins a word, among so many posts and no more.

Of what everybody may read, the newest with the word are looked at; of drafts, and of the posts of one author, the newest.
Nobody's hidden posts are counted among them: a search would tell of them, or find nothing for their sake.
"""

from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, String, bindparam, func, or_, select, union
from sqlalchemy.orm import Session

from app.api.pages import Slice
from app.models import Post, PostStatus, User
from app.models.post_word import PostWord
from app.posts.listing import Run, head_of, runs_of, sorted_by
from app.posts.schemas import PostParams
from app.words import words_of

MOST_FOUND = 1000
"""How many posts of a kind a search looks at; of those that everybody may read, as many again that have longer words."""
_LAST_LETTER = "\U0010ffff"


def search_posts(db: Session, viewer: User | None, q: str, params: PostParams) -> Slice[Post]:
    """Return a page of what the viewer may see that has this text in its title or body, in any case."""
    runs, words = tuple(runs_of(viewer, params)), words_of(q)
    if not runs or not words:
        return Slice([], 0, params.limit, params.offset)
    word = max(words, key=lambda word: (word.isalnum(), len(word), word))
    values = {
        "viewer_id": viewer.id if viewer else None,
        "author_id": params.author_id,
        "text": f"%{literally(q)}%",
        "word": word,
        "beyond": word + _LAST_LETTER,
        "most": MOST_FOUND,
        "limit": params.limit,
        "offset": params.offset,
    }
    rows = db.execute(found(runs, params.sort), values).all()
    # Each row has the number of all; behind the last one there is none to have it.
    total = rows[0].total if rows else db.scalar(count_found(runs), values)
    return Slice([row.Post for row in rows], total or 0, params.limit, params.offset)


@cache
def found(runs: tuple[Run, ...], sort: str) -> Select[Any]:
    column, sign = sorted_by(sort)
    posts = matching(runs, Post, func.count().over().label("total")).order_by(sign(column), sign(Post.id))
    return posts.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=Integer))


@cache
def count_found(runs: tuple[Run, ...]) -> Select[Any]:
    return matching(runs, func.count())


def matching(runs: tuple[Run, ...], *what: Any) -> Select[Any]:
    candidates = union(*(select(some.subquery()) for run in runs for some in candidates_of(run))).subquery()
    text = func.lower(bindparam("text", type_=String))
    has_text = or_(*(func.lower(column).like(text, escape="/") for column in (Post.title, Post.body)))
    posts = select(*what).select_from(Post).join(candidates, Post.id == candidates.c.post_id)
    return posts.where(or_(*(run.condition() for run in runs)), has_text)


def candidates_of(run: Run) -> list[Select[int]]:
    """Return statements of the ids of posts that have the word: by the word where all have it, else by the run."""
    has_word, has_longer = PostWord.word == bindparam("word"), PostWord.word > bindparam("word")
    has_longer &= PostWord.word < bindparam("beyond")
    if run == Run(PostStatus.PUBLISHED):
        ids = select(PostWord.post_id).where(PostWord.is_published).limit(bindparam("most", type_=Integer))
        longer = ids.where(has_longer).order_by(PostWord.word, PostWord.post_id)
        return [ids.where(has_word).order_by(PostWord.post_id.desc()), longer]
    newest = head_of(run, "-created_at", "most").subquery()
    return [select(PostWord.post_id).join(newest, PostWord.post_id == newest.c.id).where(or_(has_word, has_longer))]


def literally(text: str) -> str:
    """Return a pattern that matches the text and nothing else."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
