"""`GET /posts/{id}` and `GET /users/{id}` out of the cache, which every write invalidates after its commit."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import cache
from app.auth import one_time_tokens
from app.cache.cache_store import CacheStore
from app.models import Post, Purpose, User
from app.posts import service as posts
from app.settings import get_settings
from tests.caching import read, stored, warm_up
from tests.client import Client
from tests.factories import PASSWORD, PostFactory


@pytest.fixture
def post(user: User) -> Post:
    return PostFactory(author=user, title='Größe "1" \\ \u2028 🦊', body="a\r\n\tb </script> \x7f")


def uncached(admin_client: Client, row: Post | User) -> Any:
    response = admin_client.get(f"/{row.__tablename__}")
    assert "X-Cache" not in response.headers
    return next(item for item in response.json()["items"] if item["id"] == row.id)


class TestHit:
    def test_it_is_the_same_answer_without_a_query_for_the_row(
        self, client: Client, admin_client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for row in (post, post.author):
            first, second = (client.get(f"/{row.__tablename__}/{row.id}") for _ in range(2))
            assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")
            assert (first.content, first.headers["Content-Type"]) == (second.content, second.headers["Content-Type"])
            assert second.json() == uncached(admin_client, row)
        monkeypatch.delattr(posts, "read_post")
        assert read(admin_client, post)[0] == "HIT"

    def test_the_value_of_an_earlier_version_is_replaced(
        self, client: Client, admin_client: Client, post: Post, store: CacheStore
    ) -> None:
        key = f"posts:{post.id}"
        store.fill(key, store.look_up(key), b'{"name": "of an earlier version"}')
        assert [read(client, post) for _ in range(2)] == [
            (where, uncached(admin_client, post)) for where in ("MISS", "HIT")
        ]


class TestWrite:
    @pytest.mark.parametrize(
        ("what", "who", "path", "change"),
        [
            ("post", "author", "/posts/{post}", {"title": "New"}),
            ("post", "admin", "/posts/{post}", {"body": "New", "slug": "new"}),
            ("user", "author", "/users/me", {"name": "New"}),
            ("user", "admin", "/users/{user}", {"email": "new@example.com", "role": "admin"}),
            ("user", "admin", "/users/{user}", {"is_active": False}),
            ("user", "author", "/users/me/password", {"current_password": PASSWORD, "new_password": "Password2"}),
            ("user", "author", "/auth/email/verify", {}),
        ],
    )
    def test_the_next_read_shows_it(
        self,
        client: Client,
        admin_client: Client,
        post: Post,
        other_user: User,
        what: str,
        who: str,
        path: str,
        change: dict[str, object],
    ) -> None:
        row = post if what == "post" else post.author
        warm_up(admin_client, row, other_user)
        before = uncached(admin_client, row)
        token = one_time_tokens.issue(client.db, post.author, Purpose.EMAIL_VERIFICATION, get_settings())
        method = {"password": "PUT", "verify": "POST"}.get(path.rpartition("/")[2], "PATCH")
        writer = client if who == "author" else admin_client
        path = path.format(post=post.id, user=post.author_id)
        assert writer.request(method, path, json=change or {"token": token}).is_success
        after = uncached(admin_client, row)
        assert after != before
        assert [read(admin_client, row) for _ in range(2)] == [("MISS", after), ("HIT", after)]
        assert read(admin_client, other_user)[0] == "HIT"

    @pytest.mark.parametrize("what", ["post", "account"])
    def test_what_is_deleted_is_gone(
        self, client: Client, anon_client: Client, post: Post, store: CacheStore, what: str
    ) -> None:
        others = [PostFactory(author=post.author), PostFactory()]
        warm_up(client, post, post.author, *others)
        assert client.delete("/users/me" if what == "account" else f"/posts/{post.id}").status_code == 204
        left = {cache.key_of(Post, others[1].id)}
        if what == "post":
            left |= {cache.key_of(Post, others[0].id), cache.key_of(User, post.author_id)}
        assert stored(store).keys() == left
        assert anon_client.get(f"/posts/{post.id}").status_code == 404


@pytest.mark.parametrize(("end", "where", "shown"), [("commit", "MISS", "New"), ("rollback", "HIT", "Old")])
def test_rows_of_a_bulk_statement_that_are_forgotten_are_shown_anew_after_the_commit(
    db: Session, anon_client: Client, post: Post, end: str, where: str, shown: str
) -> None:
    post.title = "Old"
    db.commit()
    warm_up(anon_client, post)
    db.execute(update(Post).where(Post.id == post.id).values(title="New"))
    cache.forget(db, Post, [post.id])
    cache.forget(db, User, [])
    assert read(anon_client, post)[0] == "HIT"
    getattr(db, end)()
    source, answer = read(anon_client, post)
    assert (source, answer["title"]) == (where, shown)
