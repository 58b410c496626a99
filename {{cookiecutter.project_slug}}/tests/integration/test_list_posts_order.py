"""`GET /posts`: in every order, and every page of it."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.models import Post, PostStatus, User
from app.models.columns import now
from app.posts import listing
from tests.client import Client
from tests.factories import PostFactory

EPOCH = now() - timedelta(days=10)


@pytest.fixture
def ordered(db: Session, user: User) -> list[Post]:
    """Four posts that each column orders in another way, and that tie in each column once."""
    posts = PostFactory.create_batch(4, author=user)
    values = [("b", 1, 2), ("a", 3, 2), ("b", 2, 1), ("c", 1, 3)]
    # Written last to first: a database that leaves ties as they lie then shows them the other way round.
    for post, (title, created, updated) in reversed(list(zip(posts, values, strict=True))):
        post.title = title
        post.created_at = EPOCH + timedelta(microseconds=created)
        post.updated_at = EPOCH + timedelta(microseconds=updated)
        db.flush()
    return posts


def listed(client: Client, query: str) -> list[int]:
    response = client.get(f"/posts?{query}")
    assert response.status_code == 200
    return [item["id"] for item in response.json()["items"]]


class TestListPostsOrder:
    @pytest.mark.parametrize(
        ("query", "order"),
        [
            ("sort=created_at", [0, 3, 2, 1]),
            ("sort=-created_at", [1, 2, 3, 0]),
            ("sort=updated_at", [2, 0, 1, 3]),
            ("sort=-updated_at", [3, 1, 0, 2]),
            ("sort=title", [1, 0, 2, 3]),
            ("sort=-title", [3, 2, 0, 1]),
            ("", [1, 2, 3, 0]),
        ],
    )
    def test_ties_follow_the_order_in_which_the_posts_were_made(
        self, anon_client: Client, ordered: list[Post], query: str, order: list[int]
    ) -> None:
        assert listed(anon_client, query) == [ordered[place].id for place in order]
        pages = [listed(anon_client, f"{query}&limit=1&offset={offset}") for offset in range(4)]
        assert pages == [[ordered[place].id] for place in order]

    def test_a_search_is_ordered_too(self, anon_client: Client, ordered: list[Post]) -> None:
        assert listed(anon_client, "q=body&sort=title") == [ordered[place].id for place in (1, 0, 2, 3)]


class TestListPostsPages:
    @pytest.mark.parametrize("sort", ["created_at", "-created_at", "updated_at", "-updated_at", "title", "-title"])
    def test_together_they_show_every_post_once(self, anon_client: Client, user: User, sort: str) -> None:
        same = {"title": "Same", "created_at": EPOCH, "updated_at": EPOCH}
        posts = PostFactory.create_batch(7, author=user, **same)
        seen: list[int] = []
        for offset, size in ((0, 3), (3, 3), (6, 1), (7, 0)):
            body = anon_client.get(f"/posts?sort={sort}&limit=3&offset={offset}").json()
            assert (body["total"], body["limit"], body["offset"]) == (7, 3, offset)
            assert len(body["items"]) == size
            seen += [item["id"] for item in body["items"]]
        ids = [post.id for post in posts]
        assert seen == (ids[::-1] if sort.startswith("-") else ids)

    @pytest.mark.parametrize("query", ["", "author_id={}"])
    def test_they_are_counted_as_far_as_anybody_can_go(
        self, client: Client, user: User, monkeypatch: pytest.MonkeyPatch, query: str
    ) -> None:
        monkeypatch.setattr(listing, "MOST_COUNTED", 4)
        PostFactory.create_batch(3, author=user)
        PostFactory.create_batch(3, author=user, status=PostStatus.DRAFT)
        body = client.get(f"/posts?{query.format(user.id)}").json()
        assert (body["total"], len(body["items"])) == (4, 6)

    def test_a_page_has_20_items_unless_asked_otherwise(self, anon_client: Client, user: User) -> None:
        PostFactory.create_batch(21, author=user)
        body = anon_client.get("/posts").json()
        assert (len(body["items"]), body["total"], body["limit"], body["offset"]) == (20, 21, 20, 0)

    def test_a_page_has_at_most_100_items(self, anon_client: Client, user: User) -> None:
        PostFactory.create_batch(101, author=user)
        body = anon_client.get("/posts?limit=100").json()
        assert (len(body["items"]), body["total"], body["limit"], body["offset"]) == (100, 101, 100, 0)

    def test_the_total_counts_what_the_filter_left(self, anon_client: Client, user: User) -> None:
        PostFactory.create_batch(2, author=user)
        PostFactory()
        body = anon_client.get(f"/posts?author_id={user.id}&limit=1").json()
        assert (len(body["items"]), body["total"]) == (1, 2)

    def test_behind_the_last_page_there_is_nothing(self, anon_client: Client) -> None:
        PostFactory()
        body = anon_client.get("/posts?offset=10000").json()
        assert body == {"items": [], "total": 1, "limit": 20, "offset": 10_000}
