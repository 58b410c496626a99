"""Reads and writes at the same time, through the real engine and with real commits: no old value stays in the cache."""

from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app import cache
from app.auth import dependencies
from app.cache.cache_store import CacheStore
from app.database import SessionLocal
from app.models import Post, PostStatus, User
from app.posts import service as posts
from app.settings import Settings
from app.users import service as users
from tests.caching import stored
from tests.committed import add_users
from tests.meeting import Interruption

# How long a request may take that nothing keeps waiting, and what one waits for another that has to.
GRACE = 0.3


@pytest.fixture
def headers(server: TestClient, settings: Settings) -> dict[str, str]:
    """How the author is known."""
    return add_users(settings, "user@example.com")[0]


@pytest.fixture
def user_path(headers: dict[str, str]) -> str:
    with SessionLocal() as db:
        return f"/users/{db.scalars(select(User.id)).one()}"


@pytest.fixture
def post_path(headers: dict[str, str]) -> str:
    with SessionLocal.begin() as db:
        author_id = db.scalars(select(User.id)).one()
        post = Post(title="Old", body="Body", slug="slug", status=PostStatus.PUBLISHED, author_id=author_id)
        db.add(post)
        db.flush()
        return f"/posts/{post.id}"


def title(response: Response) -> str:
    return str(response.json()["title"])


class TestReadBegunBeforeAWrite:
    """It has read the old row when the write is made, committed and answered."""

    def test_it_does_not_bring_the_old_post_back(
        self, server: TestClient, headers: dict[str, str], post_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = Interruption(lambda: server.patch(post_path, json={"title": "New"}, headers=headers))
        monkeypatch.setattr(posts, "read_post", write.after(posts.read_post))
        assert title(server.get(post_path)) == "Old"
        assert write.response.status_code == 200
        assert [title(server.get(post_path)) for _ in range(2)] == ["New", "New"]

    def test_it_does_not_bring_the_old_user_back(
        self, server: TestClient, headers: dict[str, str], user_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = Interruption(lambda: server.patch("/users/me", json={"name": "New"}, headers=headers))
        monkeypatch.setattr(users, "read_user", write.after(users.read_user))
        assert server.get(user_path, headers=headers).json()["name"] == "Name"
        assert write.response.status_code == 200
        assert [server.get(user_path, headers=headers).json()["name"] for _ in range(2)] == ["New", "New"]

    def test_a_caller_is_not_shown_as_they_were_when_they_were_let_in(
        self, server: TestClient, headers: dict[str, str], user_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = Interruption(lambda: server.patch("/users/me", json={"name": "New"}, headers=headers))
        monkeypatch.setattr(dependencies, "load_user", write.after(dependencies.load_user))
        assert [server.get(user_path, headers=headers).json()["name"] for _ in range(2)] == ["New", "New"]
        assert write.response.status_code == 200

    def test_it_does_not_bring_a_withdrawn_post_back(
        self,
        server: TestClient,
        headers: dict[str, str],
        post_path: str,
        store: CacheStore,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        write = Interruption(lambda: server.patch(post_path, json={"status": "draft"}, headers=headers))
        monkeypatch.setattr(posts, "read_post", write.after(posts.read_post))
        assert server.get(post_path).status_code == 200
        assert write.response.status_code == 200
        assert stored(store) == {}
        assert server.get(post_path).status_code == 404

    @pytest.mark.parametrize("what", ["post", "account"])
    def test_it_does_not_bring_a_deleted_post_back(
        self, server: TestClient, headers: dict[str, str], post_path: str, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deleted = post_path if what == "post" else "/users/me"
        write = Interruption(lambda: server.delete(deleted, headers=headers))
        monkeypatch.setattr(posts, "read_post", write.after(posts.read_post))
        assert server.get(post_path).status_code == 200
        assert write.response.status_code == 204
        assert [server.get(post_path).status_code for _ in range(2)] == [404, 404]


class TestReadDuringAWrite:
    def test_what_is_read_before_the_commit_is_not_shown_after_it(
        self, server: TestClient, headers: dict[str, str], post_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = Interruption(lambda: server.get(post_path))
        monkeypatch.setattr(posts, "flush_slug", read.after(posts.flush_slug))
        assert server.patch(post_path, json={"title": "New"}, headers=headers).status_code == 200
        assert (read.response.headers["X-Cache"], title(read.response)) == ("MISS", "Old")
        assert [title(server.get(post_path)) for _ in range(2)] == ["New", "New"]

    def test_what_is_read_before_an_account_is_gone_is_not_shown_after_it(
        self, server: TestClient, headers: dict[str, str], post_path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = Interruption(lambda: server.get(post_path))
        monkeypatch.setattr(users, "forget_posts_of", read.after(cache.forget_posts_of))
        assert server.delete("/users/me", headers=headers).status_code == 204
        assert (read.response.headers["X-Cache"], title(read.response)) == ("MISS", "Old")
        assert server.get(post_path).status_code == 404

    def test_no_post_is_added_to_an_account_whose_posts_are_forgotten(
        self, server: TestClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = {"title": "Title", "body": "Body", "slug": "slug", "status": "published"}
        forget_posts_of = cache.forget_posts_of
        added: list[Future[Response]] = []

        def forget_while_one_is_added(db: Session, author: User) -> None:
            forget_posts_of(db, author)
            added.append(thread.submit(server.post, "/posts", json=body, headers=headers))
            # It comes to an end only if nothing keeps it waiting for the deletion.
            wait(added, timeout=GRACE)

        with ThreadPoolExecutor(1) as thread:
            monkeypatch.setattr(users, "forget_posts_of", forget_while_one_is_added)
            assert server.delete("/users/me", headers=headers).status_code == 204
        assert added[0].result().is_client_error
