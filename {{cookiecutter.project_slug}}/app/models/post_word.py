"""The words of posts, by which they are searched: written with them, whoever writes."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, ForeignKey, Index, String, delete, event, inspect, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.post import Post
from app.words import LONGEST, words_of

SEARCHED = ("title", "body")
# By the numbers of the letters, so that what begins alike is together.
COLLATION = "{{ cookiecutter.__binary_collation }}"
# One statement for any number of words, which costs a third of one statement for each.
ADD_WORDS = text("""
INSERT INTO post_words (post_id, word)
{{ cookiecutter.__rows_of_json }}
""")


class PostWord(Base):
    """A word that is in the title or the body of a post that is not deleted."""

    __tablename__ = "post_words"
    __table_args__ = (Index("ix_post_words_word", "word", "post_id"),)

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(String(LONGEST, collation=COLLATION), primary_key=True)


def add_words(connection: Connection, texts: Iterable[tuple[int, str, str]]) -> None:
    """Add the words of posts: of the id, the title and the body of each. Bulk inserts of posts are not noticed here."""
    rows = [(post_id, word) for post_id, *both in texts for word in words_of(*both)]
    connection.execute(ADD_WORDS, {"rows": json.dumps(rows)})


@event.listens_for(Post, "after_insert")
def notice_insert(_mapper: Any, connection: Connection, post: Post) -> None:
    if post.deleted_at is None:
        add_words(connection, [(post.id, post.title, post.body)])


@event.listens_for(Post, "after_update")
def notice_update(mapper: Any, connection: Connection, post: Post) -> None:
    attributes = inspect(post).attrs
    if any(attributes[name].history.has_changes() for name in (*SEARCHED, "deleted_at")):
        connection.execute(delete(PostWord).where(PostWord.post_id == post.id))
        notice_insert(mapper, connection, post)
