"""Reads and writes at the same time, with real commits: what was read before a write does not stay in the cache."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import ModuleType

import pytest
from httpx2 import Response
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth import dependencies
from app.database import SessionLocal
from app.models import Post, PostStatus, User
from app.posts import service as posts
from app.settings import Settings
from app.users import service as users
from tests.committed import add_users, with_email
from tests.meeting import Interruption

GRACE = 0.3
NEW_POST = {"title": "Title", "body": "Body", "slug": "new", "status": "published"}


@pytest.fixture
def headers(server: TestClient, settings: Settings) -> dict[str, str]:
    """How the author is known."""
    return add_users(settings, "user@example.com")[0]


@pytest.fixture
def requests(server: TestClient, headers: dict[str, str]) -> dict[str, Callable[[], Response]]:
    """What the author may send, by name."""
    with SessionLocal.begin() as db:
        author = with_email(db, "user@example.com")
        post = Post(title="Old", body="Body", slug="slug", status=PostStatus.PUBLISHED, author=author)
        db.add(post)
        db.flush()
        post_path, user_path = f"/posts/{post.id}", f"/users/{author.id}"
    return {
        "read post": lambda: server.get(post_path),
        "edit post": lambda: server.patch(post_path, json={"title": "New"}, headers=headers),
        "withdraw post": lambda: server.patch(post_path, json={"status": "draft"}, headers=headers),
        "delete post": lambda: server.delete(post_path, headers=headers),
        "delete account": lambda: server.delete("/users/me", headers=headers),
        "read user": lambda: server.get(user_path, headers=headers),
        "edit user": lambda: server.patch("/users/me", json={"name": "New"}, headers=headers),
    }


@pytest.mark.parametrize(
    ("outer", "module", "step", "inner"),
    [
        # The read has the old row when the write is committed and answered.
        ("read post", posts, "read_post", "edit post"),
        ("read post", posts, "read_post", "withdraw post"),
        ("read post", posts, "read_post", "delete post"),
        ("read post", posts, "read_post", "delete account"),
        ("read user", users, "read_user", "edit user"),
        ("read user", dependencies, "load_user", "edit user"),
        # The write is made, and not committed, when the read begins.
        ("edit post", posts, "flush_slug", "read post"),
        ("delete account", users, "delete_posts_of", "read post"),
    ],
)
def test_what_is_read_during_a_write_does_not_stay_in_the_cache(
    requests: dict[str, Callable[[], Response]],
    monkeypatch: pytest.MonkeyPatch,
    outer: str,
    module: ModuleType,
    step: str,
    inner: str,
) -> None:
    interruption = Interruption(requests[inner])
    monkeypatch.setattr(module, step, interruption.after(getattr(module, step)))
    assert requests[outer]().is_success
    assert interruption.response.is_success
    edited = "edit" in outer + inner
    for _ in range(2):
        response = requests["read user" if "user" in outer else "read post"]()
        assert "New" in response.text if edited else response.status_code == 404


def test_no_post_is_added_to_an_account_that_is_being_deleted(
    server: TestClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_posts_of = users.delete_posts_of
    added: list[Future[Response]] = []

    def delete_while_one_is_added(db: Session, author: User) -> None:
        delete_posts_of(db, author)
        added.append(thread.submit(server.post, "/posts", json=NEW_POST, headers=headers))
        # It comes to an end only if nothing keeps it waiting for the deletion.
        wait(added, timeout=GRACE)

    with ThreadPoolExecutor(1) as thread:
        monkeypatch.setattr(users, "delete_posts_of", delete_while_one_is_added)
        assert server.delete("/users/me", headers=headers).status_code == 204
    assert added[0].result().is_client_error
