"""The words of posts, by which they are searched: written with them, whoever writes."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, ForeignKey, Index, String, bindparam, delete, event, inspect, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.post import Post, PostStatus
from app.words import LONGEST, words_of

SEARCHED = ("title", "body", "status")
WRITTEN = select(Post.id, Post.title, Post.body, Post.status, Post.deleted_at).where(Post.id == bindparam("id"))
# By the numbers of the letters, so that what begins alike is together.
COLLATION = "{{ cookiecutter.__binary_collation }}"
# One statement for any number of words, which costs a third of one statement for each.
ADD_WORDS = text("""
INSERT INTO post_words (post_id, word, is_published)
{{ cookiecutter.__rows_of_json }}
""")


class PostWord(Base):
    """A word that is in the title or the body of a post that is not deleted."""

    __tablename__ = "post_words"
    # So that the drafts that have a word take nobody's place among the posts that are looked at.
    __table_args__ = (Index("ix_post_words_word", "is_published", "word", "post_id"),)

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(String(LONGEST, collation=COLLATION), primary_key=True)
    is_published: Mapped[bool]


def add_words(connection: Connection, posts: Iterable[Any]) -> None:
    """Add the words of posts, or of rows with their id, title, body and status. Bulk inserts of posts are not noticed here."""
    rows = [
        (post.id, word, int(post.status is PostStatus.PUBLISHED))
        for post in posts
        for word in words_of(post.title, post.body)
    ]
    connection.execute(ADD_WORDS, {"rows": json.dumps(rows)})


@event.listens_for(Post, "after_insert")
def notice_insert(_mapper: Any, connection: Connection, post: Post) -> None:
    if post.deleted_at is None:
        add_words(connection, [post])


@event.listens_for(Post, "after_update")
def notice_update(_mapper: Any, connection: Connection, post: Post) -> None:
    attributes = inspect(post).attrs
    if any(attributes[name].history.has_changes() for name in (*SEARCHED, "deleted_at")):
        connection.execute(delete(PostWord).where(PostWord.post_id == post.id))
        if post.deleted_at is None:
            # What this session has loaded may have been changed before the row was its own.
            written = connection.execute(WRITTEN, {"id": post.id}).all()
            add_words(connection, [row for row in written if row.deleted_at is None])
