"""Many readers of what is not in the cache: one loads it, and the others wait for that one, but not for long."""

from threading import Event, Lock, get_ident
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.cache import cache_store
from app.cache.cache_store import CacheStore, lease_of
from app.database import SessionLocal
from app.models import Post, PostStatus, User
from app.posts import service as posts
from app.posts.schemas import PostRead
from app.settings import Settings
from tests.caching import stored
from tests.client import Client
from tests.factories import PostFactory
from tests.meeting import PATIENCE, at_once

read_post = posts.read_post


class Crowd:
    """Counts who waits; whoever loads a value takes as long as the others come to wait for it."""

    def __init__(self, readers: int) -> None:
        self.readers = readers
        self.lock = Lock()
        self.waiting: set[int] = set()
        self.complete = Event()
        self.loads = 0

    def wait(self, _seconds: float) -> None:
        with self.lock:
            self.waiting.add(get_ident())
            if len(self.waiting) == self.readers - 1:
                self.complete.set()

    def read_post(self, db: Session, post_id: int) -> PostRead | None:
        with self.lock:
            self.loads += 1
        assert self.complete.wait(PATIENCE), "the others do not wait"
        return read_post(db, post_id)


def never(*_: Any) -> None:
    raise AssertionError("somebody waits")


class TestManyReaders:
    def test_what_all_want_is_loaded_once(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with SessionLocal.begin() as db:
            author = User(email="user@example.com", name="Name", password_hash="-")
            post = Post(title="Title", body="Body", slug="slug", status=PostStatus.PUBLISHED, author=author)
            db.add(post)
        crowd = Crowd(settings.request_threads)
        monkeypatch.setattr(posts, "read_post", crowd.read_post)
        monkeypatch.setattr(cache_store, "sleep", crowd.wait)
        monkeypatch.setattr(cache_store, "PATIENCE_SECONDS", 2 * PATIENCE)
        responses = at_once(*[lambda: server.get(f"/posts/{post.id}")] * crowd.readers)
        assert {response.status_code for response in responses} == {200}
        assert crowd.loads == 1
        assert sorted(response.headers["X-Cache"] for response in responses) == ["HIT"] * (crowd.readers - 1) + ["MISS"]
        assert len({response.content for response in responses}) == 1


class TestTheOneWhoLoads:
    """The lease of somebody who does not put in a value."""

    @pytest.fixture
    def post(self, user: User) -> Post:
        return PostFactory(author=user)

    def test_when_they_have_died_the_others_help_themselves(
        self, anon_client: Client, post: Post, store: CacheStore
    ) -> None:
        key = f"posts:{post.id}"
        _, lease = store.look_up(key)
        assert lease is not None
        response = anon_client.get(f"/posts/{post.id}")
        assert (response.status_code, response.headers["X-Cache"], response.json()["id"]) == (200, "MISS", post.id)
        # Only with the lease may something be put in, and it is another's until it expires.
        assert stored(store) == {lease_of(key): lease.encode()}
        store.redis.delete(store.name(lease_of(key)))
        assert [anon_client.get(f"/posts/{post.id}").headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]

    def test_when_they_fail_nobody_waits_for_them(
        self, anon_client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise LookupError("of a test")

        monkeypatch.setattr(cache_store, "sleep", never)
        with monkeypatch.context() as broken:
            broken.setattr(posts, "read_post", fail)
            with pytest.raises(LookupError):
                anon_client.get(f"/posts/{post.id}")
        assert anon_client.get(f"/posts/{post.id}").status_code == 200

    def test_when_it_is_a_draft_nobody_waits_for_it(
        self, client: Client, anon_client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post.status = PostStatus.DRAFT
        monkeypatch.setattr(cache_store, "sleep", never)
        for reader, status in ((client, 200), (client, 200), (anon_client, 404)):
            assert reader.get(f"/posts/{post.id}").status_code == status

    def test_when_there_is_no_such_thing_nobody_waits_for_it(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache_store, "sleep", never)
        for path in ("/posts/0", "/users/0"):
            assert [client.get(path).status_code for _ in range(2)] == [404, 404]
