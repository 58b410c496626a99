"""`GET /posts`: what one may see of it, filtered, a page at a time."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.models import PostStatus, User
from app.models.columns import now
from tests.client import Client
from tests.factories import PostFactory


@pytest.fixture
def shelf(db: Session, user: User, other_user: User) -> None:
    """One post of each kind by `user` and by `other_user`, named after what it is."""
    for author in (user, other_user):
        name = author.name.lower()
        PostFactory(slug=f"{name}-draft", author=author, status=PostStatus.DRAFT)
        PostFactory(slug=f"{name}-published", author=author)
        PostFactory(slug=f"{name}-deleted-draft", author=author, status=PostStatus.DRAFT, deleted_at=now())
        PostFactory(slug=f"{name}-deleted", author=author, deleted_at=now() + timedelta(days=1))


def slugs(client: Client, query: str = "") -> set[str]:
    """Return the slugs of what is listed, which must be as many as the total says."""
    response = client.get(f"/posts?{query}")
    assert response.status_code == 200
    items = response.json()["items"]
    assert response.json()["total"] == len(items)
    return {item["slug"] for item in items}


class TestListPosts:
    def test_without_posts_the_page_is_empty(self, anon_client: Client) -> None:
        response = anon_client.get("/posts")
        assert response.status_code == 200
        assert response.json() == {"items": [], "total": 0, "limit": 20, "offset": 0}

    def test_a_post_is_listed_as_it_is_read(self, anon_client: Client) -> None:
        post = PostFactory(title="Zoë's title")
        response = anon_client.get("/posts/")
        assert response.status_code == 200
        alone = anon_client.get(f"/posts/{post.id}").json()
        assert response.json() == {"items": [alone], "total": 1, "limit": 20, "offset": 0}

    def test_a_bad_token_is_refused_where_none_is_needed(self, anon_client: Client) -> None:
        response = anon_client.get("/posts", headers={"Authorization": "Bearer forged"})
        assert (response.status_code, response.json()) == (401, {"detail": "Invalid or expired token"})
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.usefixtures("shelf")
class TestListPostsVisibility:
    def test_a_stranger_sees_what_is_published(self, anon_client: Client) -> None:
        assert slugs(anon_client) == {"user-published", "other-published"}

    def test_a_user_sees_their_own_drafts_too(self, client: Client) -> None:
        assert slugs(client) == {"user-published", "user-draft", "other-published"}

    def test_an_admin_sees_all_drafts(self, admin_client: Client) -> None:
        assert slugs(admin_client) == {"user-published", "user-draft", "other-published", "other-draft"}

    def test_asking_for_drafts_shows_a_stranger_none(self, anon_client: Client) -> None:
        assert slugs(anon_client, "status=draft") == set()

    def test_asking_for_drafts_shows_a_user_their_own(self, client: Client) -> None:
        assert slugs(client, "status=draft") == {"user-draft"}

    def test_asking_for_drafts_shows_an_admin_all(self, admin_client: Client) -> None:
        assert slugs(admin_client, "status=draft") == {"user-draft", "other-draft"}

    def test_asking_for_another_author_does_not_show_their_drafts(
        self, client: Client, anon_client: Client, other_user: User
    ) -> None:
        for reader in (client, anon_client):
            assert slugs(reader, f"author_id={other_user.id}") == {"other-published"}
            assert slugs(reader, f"author_id={other_user.id}&status=draft") == set()

    def test_searching_does_not_show_the_drafts_of_others(self, client: Client, anon_client: Client) -> None:
        assert slugs(client, "q=Body") == {"user-published", "user-draft", "other-published"}
        assert slugs(anon_client, "q=Body") == {"user-published", "other-published"}


@pytest.mark.usefixtures("shelf")
class TestListPostsFilters:
    def test_by_status(self, admin_client: Client) -> None:
        assert slugs(admin_client, "status=published") == {"user-published", "other-published"}

    def test_by_author(self, admin_client: Client, user: User, other_user: User) -> None:
        assert slugs(admin_client, f"author_id={user.id}") == {"user-published", "user-draft"}
        assert slugs(admin_client, f"author_id={other_user.id}") == {"other-published", "other-draft"}

    def test_filters_are_combined(self, admin_client: Client, user: User) -> None:
        PostFactory(author=user, slug="found", title="Needle")
        PostFactory(author=user, title="Needle", status=PostStatus.DRAFT)
        PostFactory(title="Needle")
        assert slugs(admin_client, f"q=needle&author_id={user.id}&status=published") == {"found"}

    @pytest.mark.parametrize("author_id", [0, -1, 2**63 - 1, 1 - 2**63])
    def test_an_unknown_author_has_no_posts(self, admin_client: Client, author_id: int) -> None:
        assert slugs(admin_client, f"author_id={author_id}") == set()


class TestListPostsWithBadInput:
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
    def test_a_value_outside_the_limits_is_refused(self, anon_client: Client, parameter: str, value: str) -> None:
        response = anon_client.get(f"/posts?{parameter}={value}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["query", parameter]]

    @pytest.mark.parametrize("query", ["limit=1", "limit=100", "offset=10000", f"q={'x' * 100}", "q=%25&sort=-title"])
    def test_a_value_at_the_limit_is_taken(self, anon_client: Client, query: str) -> None:
        assert anon_client.get(f"/posts?{query}").status_code == 200
