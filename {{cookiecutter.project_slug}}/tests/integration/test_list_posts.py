"""`GET /posts` and `GET /users/{id}/posts`: what the caller may see, filtered, sorted, a page at a time."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api import pagination
from app.models import Post, PostStatus, User
from app.models.columns import now
from app.posts.schemas import PostRead
from app.posts.service import is_visible, visible_to
from tests.client import Client
from tests.factories import PostFactory

PUBLISHED = {"user-published", "other-published"}
EPOCH = now() - timedelta(days=10)


@pytest.fixture
def shelf(db: Session, user: User, other_user: User) -> None:
    """One post of each kind by `user` and by `other_user`, named after what it is."""
    for author in (user, other_user):
        name = author.name.lower()
        PostFactory(slug=f"{name}-draft", author=author, status=PostStatus.DRAFT)
        PostFactory(slug=f"{name}-published", author=author)
        PostFactory(slug=f"{name}-deleted-draft", author=author, status=PostStatus.DRAFT, deleted_at=now())
        PostFactory(slug=f"{name}-deleted", author=author, deleted_at=now() + timedelta(days=1))


def slugs(client: Client, path: str) -> set[str]:
    """Return the slugs of what is listed, which must be as many as the total says."""
    response = client.get(path)
    assert response.status_code == 200
    items = response.json()["items"]
    assert response.json()["total"] == len(items)
    return {item["slug"] for item in items}


@pytest.mark.usefixtures("shelf")
class TestVisibility:
    @pytest.mark.parametrize(
        ("caller", "visible"),
        [
            ("anon_client", PUBLISHED),
            ("client", PUBLISHED | {"user-draft"}),
            ("admin_client", PUBLISHED | {"user-draft", "other-draft"}),
        ],
    )
    def test_every_filter_shows_what_the_caller_may_see(
        self, request: pytest.FixtureRequest, user: User, other_user: User, caller: str, visible: set[str]
    ) -> None:
        client: Client = request.getfixturevalue(caller)
        assert slugs(client, "/posts") == slugs(client, "/posts?q=Body") == visible
        for author in (user, other_user):
            theirs = {slug for slug in visible if slug.startswith(author.name.lower())}
            assert slugs(client, f"/users/{author.id}/posts") == theirs
            assert slugs(client, f"/posts?author_id={author.id}") == theirs
            for status in PostStatus:
                matching = {slug for slug in theirs if slug.endswith(status)}
                for query in (
                    f"author_id={author.id}&status={status}",
                    f"author_id={author.id}&status={status}&q=body",
                ):
                    assert slugs(client, f"/posts?{query}") == matching
        for status in PostStatus:
            assert slugs(client, f"/posts?status={status}") == {slug for slug in visible if slug.endswith(status)}

    def test_the_condition_of_lists_selects_what_may_be_read(
        self, db: Session, user: User, other_user: User, admin: User
    ) -> None:
        posts = db.scalars(select(Post)).all()
        counts = []
        for viewer in (None, user, other_user, admin):
            selected = set(db.scalars(select(Post.id).where(visible_to(viewer))))
            assert selected == {post.id for post in posts if is_visible(PostRead.model_validate(post), viewer)}
            counts.append(len(selected))
        assert counts == [4, 6, 6, 8]


class TestFilters:
    def test_they_are_combined(self, admin_client: Client, user: User) -> None:
        PostFactory(author=user, slug="found", title="Needle")
        PostFactory(author=user, title="Thread")
        PostFactory(author=user, title="Needle", status=PostStatus.DRAFT)
        PostFactory(title="Needle")
        assert slugs(admin_client, f"/posts?q=needle&author_id={user.id}&status=published") == {"found"}

    @pytest.mark.parametrize("author_id", [0, -1, 2**63 - 1, 1 - 2**63])
    def test_an_unknown_author_has_no_posts(self, admin_client: Client, author_id: int) -> None:
        PostFactory()
        assert slugs(admin_client, f"/posts?author_id={author_id}") == set()


class TestOrder:
    @pytest.mark.parametrize("search", ["", "q=body&"])
    @pytest.mark.parametrize(
        ("sort", "order"),
        [("created_at", [0, 3, 2, 1]), ("updated_at", [2, 0, 1, 3]), ("title", [1, 0, 2, 3])],
    )
    def test_ties_follow_the_order_in_which_the_posts_were_made(
        self, anon_client: Client, db: Session, user: User, sort: str, order: list[int], search: str
    ) -> None:
        posts = PostFactory.create_batch(4, author=user)
        values = [("b", 1, 2), ("a", 3, 2), ("b", 2, 1), ("c", 1, 3)]
        # Written last to first: a database that leaves ties as they lie then shows them the other way round.
        for post, (title, created, updated) in reversed(list(zip(posts, values, strict=True))):
            post.title = title
            post.created_at = EPOCH + timedelta(microseconds=created)
            post.updated_at = EPOCH + timedelta(microseconds=updated)
            db.flush()
        expected = [posts[place].id for place in order]
        for query, ids in ((sort, expected), (f"-{sort}", expected[::-1])):
            shown = [
                [item["id"] for item in anon_client.get(f"/posts?{search}sort={query}&{page}").json()["items"]]
                for page in ("limit=4", *(f"limit=1&offset={offset}" for offset in range(4)))
            ]
            assert shown == [ids, *([one] for one in ids)]

    def test_the_newest_comes_first_unless_asked_otherwise(self, anon_client: Client, user: User) -> None:
        first, last, between = (
            PostFactory(author=user, created_at=EPOCH + timedelta(days=days)).id for days in (0, 2, 1)
        )
        for path in ("/posts", f"/users/{user.id}/posts"):
            assert [item["id"] for item in anon_client.get(path).json()["items"]] == [last, between, first]


class TestPages:
    def test_a_post_is_listed_as_it_is_read(self, anon_client: Client, user: User) -> None:
        empty = {"items": [], "total": 0, "limit": 20, "offset": 0}
        paths = ("/posts", "/posts/", f"/users/{user.id}/posts")
        assert [anon_client.get(path).json() for path in paths] == [empty] * 3
        post = PostFactory(title="Zoë's title", author=user)
        alone = anon_client.get(f"/posts/{post.id}").json()
        assert [anon_client.get(path).json() for path in paths] == [{**empty, "items": [alone], "total": 1}] * 3

    def test_together_they_show_every_post_once(self, anon_client: Client, user: User) -> None:
        ids = [post.id for post in PostFactory.create_batch(7, author=user)]
        for path in ("/posts?sort=created_at", f"/posts?sort=created_at&author_id={user.id}"):
            shown = [anon_client.get(f"{path}&limit=3&offset={offset}").json() for offset in (0, 3, 6, 10_000)]
            assert [[item["id"] for item in page.pop("items")] for page in shown] == [ids[:3], ids[3:6], ids[6:], []]
            assert shown == [{"total": 7, "limit": 3, "offset": offset} for offset in (0, 3, 6, 10_000)]

    def test_they_hold_20_unless_asked_and_100_at_most(self, anon_client: Client, user: User) -> None:
        PostFactory.create_batch(101, author=user)
        for query, size in (("", 20), ("limit=100", 100)):
            body = anon_client.get(f"/posts?{query}").json()
            assert (len(body["items"]), body["total"], body["limit"], body["offset"]) == (size, 101, size, 0)

    def test_they_are_counted_as_far_as_anybody_can_go(
        self, client: Client, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pagination, "MOST_COUNTED", 4)
        PostFactory.create_batch(6, author=user)
        for query in ("", f"author_id={user.id}", "q=body"):
            body = client.get(f"/posts?{query}").json()
            assert (body["total"], len(body["items"])) == (4, 6)


class TestBadInput:
    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            *(("limit", value) for value in ("0", "-1", "101", "1.5", "x", "", str(2**64))),
            *(("offset", value) for value in ("-1", "10001", "1.5", "x", "", str(2**64), f"-{2**64}")),
            *(("author_id", value) for value in ("x", "", "1.5", str(2**63), f"-{2**63}", "9" * 400)),
            *(("status", value) for value in ("", "deleted", "Draft", "draft,published")),
            *(("sort", value) for value in ("", "-", "id", "slug", "author_id", "-body", "%2Btitle", "--title")),
            *(("sort", value) for value in ("Title", "title,created_at", "deleted_at", "password_hash", "__class__")),
            *(("q", value) for value in ("", "%00", "a%00b", "x" * 101)),
        ],
    )
    def test_a_value_outside_the_limits_is_refused(
        self, anon_client: Client, user: User, parameter: str, value: str
    ) -> None:
        paths = ("/posts", f"/users/{user.id}/posts") if parameter in {"limit", "offset"} else ("/posts",)
        for path in paths:
            response = anon_client.get(f"{path}?{parameter}={value}")
            assert response.status_code == 422
            assert [item["loc"] for item in response.json()["detail"]] == [["query", parameter]]

    @pytest.mark.parametrize("query", ["limit=1", "limit=100", "offset=10000", f"q={'x' * 100}", "q=%25&sort=-title"])
    def test_a_value_at_the_limit_is_taken(self, anon_client: Client, query: str) -> None:
        assert anon_client.get(f"/posts?{query}").status_code == 200

    def test_a_bad_token_is_refused_where_none_is_needed(self, anon_client: Client, user: User) -> None:
        for path in ("/posts", f"/users/{user.id}/posts"):
            response = anon_client.get(path, headers={"Authorization": "Bearer forged"})
            assert (response.status_code, response.json()) == (401, {"detail": "Invalid or expired token"})
            assert response.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("user_id", [0, -1, 2**63 - 1])
    def test_an_unknown_user_is_not_found(self, anon_client: Client, user_id: int) -> None:
        response = anon_client.get(f"/users/{user_id}/posts")
        assert (response.status_code, response.json()) == (404, {"detail": "User not found"})

    @pytest.mark.parametrize("user_id", [2**63, -(2**63), "x", "1.5"])
    def test_what_can_be_no_id_is_refused(self, anon_client: Client, user_id: object) -> None:
        response = anon_client.get(f"/users/{user_id}/posts")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "user_id"]]
