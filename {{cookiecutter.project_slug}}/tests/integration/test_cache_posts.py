"""`GET /posts/{id}` out of the cache: the second reader is shown what the first one was, until somebody writes to it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.api.errors import Conflict
from app.cache.cache_store import CacheStore
from app.models import Post, PostStatus, User
from app.posts import service as posts
from tests.caching import read, warm_up
from tests.client import Client
from tests.factories import PostFactory

CHANGES = [{"title": "New"}, {"body": "New body"}, {"slug": "new"}, {"title": "New", "slug": "new"}]


@pytest.fixture
def post(user: User) -> Post:
    return PostFactory(author=user, slug="old")


def uncached(client: Client, post: Post) -> Any:
    response = client.get("/posts", params={"author_id": post.author_id})
    assert "X-Cache" not in response.headers
    (found,) = [item for item in response.json()["items"] if item["id"] == post.id]
    return found


class TestSecondRead:
    @pytest.mark.parametrize(
        "values",
        [
            {},
            {"title": 'Größe "1" \\ \u2028 🦊', "body": "a\r\n\tb </script> \x7f"},
            {"body": "🦊" * 16_000},
            {
                "created_at": datetime(2026, 1, 2, tzinfo=UTC),
                "updated_at": datetime(2026, 1, 2, 3, 4, 5, 7, tzinfo=UTC),
            },
        ],
        ids=["plain", "special", "long", "times"],
    )
    def test_it_is_the_same_byte_for_byte(self, anon_client: Client, values: dict[str, Any]) -> None:
        post = PostFactory(**values)
        first, second = (anon_client.get(f"/posts/{post.id}") for _ in range(2))
        assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.content == second.content
        assert first.headers["Content-Type"] == second.headers["Content-Type"]
        assert second.json() == uncached(anon_client, post)

    def test_the_database_is_not_asked_for_the_post(
        self, anon_client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        warm_up(anon_client, post)
        monkeypatch.delattr(posts, "read_post")
        assert read(anon_client, post)[0] == "HIT"

    def test_all_readers_share_it(self, anon_client: Client, client: Client, admin_client: Client, post: Post) -> None:
        first = read(anon_client, post)[1]
        assert [read(reader, post) for reader in (client, admin_client)] == [("HIT", first)] * 2

    def test_each_post_is_by_itself(self, anon_client: Client, post: Post) -> None:
        other = PostFactory()
        warm_up(anon_client, post, other)
        assert [read(anon_client, one)[1]["id"] for one in (post, other)] == [post.id, other.id]

    def test_no_other_route_says_anything_of_a_cache(self, client: Client, post: Post) -> None:
        warm_up(client, post)
        for path in ("/posts", f"/users/{post.author_id}/posts", "/users/me"):
            assert "X-Cache" not in client.get(path).headers
        assert "X-Cache" not in client.patch(f"/posts/{post.id}", json={"title": "New"}).headers

    @pytest.mark.parametrize("value", [b"null", b"[]", b'{"name": "of an earlier version"}', b'{"id": 1', b"\xff\x00"])
    def test_a_value_that_means_nothing_any_more_is_passed_over(
        self, anon_client: Client, post: Post, store: CacheStore, value: bytes
    ) -> None:
        store.redis.set(store.name(f"posts:{post.id}"), value)
        assert read(anon_client, post) == ("MISS", uncached(anon_client, post))


class TestAfterAWrite:
    @pytest.mark.parametrize("changes", CHANGES, ids=" ".join)
    @pytest.mark.parametrize("writer", ["author", "admin"])
    def test_the_next_read_shows_it(
        self,
        anon_client: Client,
        client: Client,
        admin_client: Client,
        post: Post,
        changes: dict[str, str],
        writer: str,
    ) -> None:
        bystander = PostFactory()
        warm_up(anon_client, post, bystander)
        changed = {"author": client, "admin": admin_client}[writer].patch(f"/posts/{post.id}", json=changes)
        assert changed.status_code == 200
        assert read(anon_client, post) == ("MISS", changed.json())
        assert read(anon_client, post) == ("HIT", uncached(anon_client, post))
        assert changes.items() <= changed.json().items()
        assert read(anon_client, bystander)[0] == "HIT"

    @pytest.mark.parametrize("writer", ["author", "admin"])
    def test_a_deleted_post_is_gone(
        self, anon_client: Client, client: Client, admin_client: Client, post: Post, writer: str
    ) -> None:
        warm_up(anon_client, post)
        deleted = {"author": client, "admin": admin_client}[writer].delete(f"/posts/{post.id}")
        assert deleted.status_code == 204
        for reader in (anon_client, client, admin_client):
            assert reader.get(f"/posts/{post.id}").status_code == 404

    def test_a_withdrawn_post_is_for_its_author_alone(self, anon_client: Client, client: Client, post: Post) -> None:
        warm_up(anon_client, post)
        assert client.patch(f"/posts/{post.id}", json={"status": "draft"}).status_code == 200
        assert anon_client.get(f"/posts/{post.id}").status_code == 404
        assert [(where, body["status"]) for where, body in (read(client, post), read(client, post))] == [
            ("MISS", "draft")
        ] * 2
        assert anon_client.get(f"/posts/{post.id}").status_code == 404

    def test_a_published_draft_is_for_everybody(self, anon_client: Client, client: Client, user: User) -> None:
        draft = PostFactory(author=user, status=PostStatus.DRAFT)
        assert read(client, draft)[0] == "MISS"
        assert anon_client.get(f"/posts/{draft.id}").status_code == 404
        assert client.patch(f"/posts/{draft.id}", json={"status": "published"}).status_code == 200
        warm_up(anon_client, draft)

    def test_one_that_was_refused_is_not_shown(self, anon_client: Client, client: Client, post: Post) -> None:
        taken = PostFactory().slug
        warm_up(anon_client, post)
        before = uncached(anon_client, post)
        assert client.patch(f"/posts/{post.id}", json={"title": "New", "slug": taken}).status_code == 409
        assert [read(anon_client, post)[1] for _ in range(2)] == [before] * 2

    def test_one_that_was_undone_is_not_shown(
        self, anon_client: Client, client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def write_and_refuse(db: Session) -> None:
            db.flush()
            assert read(anon_client, post)[1]["slug"] == "old"
            raise Conflict("not today")

        warm_up(anon_client, post)
        monkeypatch.setattr(posts, "flush_slug", write_and_refuse)
        before = uncached(anon_client, post)
        assert client.patch(f"/posts/{post.id}", json={"title": "New"}).status_code == 409
        assert [read(anon_client, post)[1] for _ in range(2)] == [before] * 2

    def test_one_of_the_tests_own_is_shown_without_a_commit(self, anon_client: Client, post: Post) -> None:
        warm_up(anon_client, post)
        post.title = "New"
        assert read(anon_client, post) == ("MISS", uncached(anon_client, post))
