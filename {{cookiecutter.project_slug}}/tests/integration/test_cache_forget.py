"""`cache.forget`: statements that write to many rows say themselves what is no longer to be shown."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import cache
from app.cache.cache_store import CacheStore
from app.models import Post, User
from tests.caching import read, stored, warm_up
from tests.client import Client
from tests.factories import PostFactory

ROOT = Path(cache.__file__).parents[2]


@pytest.fixture
def post(db: Session, anon_client: Client) -> Post:
    """A post that is in the cache."""
    post: Post = PostFactory(title="Old")
    db.commit()
    warm_up(anon_client, post)
    return post


class TestForget:
    def test_rows_are_shown_anew_once_it_is_committed(self, db: Session, anon_client: Client, post: Post) -> None:
        db.execute(update(Post).where(Post.id == post.id).values(title="New"))
        cache.forget(db, Post, [post.id])
        assert read(anon_client, post)[0] == "HIT"
        db.commit()
        assert read(anon_client, post)[0] == "MISS"
        assert read(anon_client, post)[1]["title"] == "New"

    def test_a_rollback_leaves_them(self, db: Session, anon_client: Client, post: Post) -> None:
        db.execute(update(Post).where(Post.id == post.id).values(title="New"))
        cache.forget(db, Post, [post.id])
        db.rollback()
        db.commit()
        assert read(anon_client, post)[0] == "HIT"

    @pytest.mark.parametrize(("end", "where"), [("rollback", "HIT"), ("commit", "MISS")])
    def test_a_savepoint_counts_if_it_is_kept(
        self, db: Session, anon_client: Client, post: Post, end: str, where: str
    ) -> None:
        savepoint = db.begin_nested()
        cache.forget(db, Post, [post.id])
        getattr(savepoint, end)()
        assert read(anon_client, post)[0] == "HIT"
        db.commit()
        assert read(anon_client, post)[0] == where

    def test_rows_of_another_table_with_the_same_id_stay(
        self, db: Session, anon_client: Client, post: Post, store: CacheStore
    ) -> None:
        cache.forget(db, User, [post.id])
        cache.forget(db, Post, [])
        db.commit()
        assert set(stored(store)) == {f"posts:{post.id}"}


@pytest.mark.slow
def test_whoever_can_write_lets_it_be_forgotten() -> None:
    """A worker or a script imports the models, but nothing that reads through the cache."""
    program = "import sys; from app.database import SessionLocal; from app.models import Post; print('app.models.shown' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - its own command
    assert done.stdout == "True\n"
