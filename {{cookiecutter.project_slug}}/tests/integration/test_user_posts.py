"""`GET /users/{id}/posts`: what one may see of an author's posts."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.models import PostStatus, User
from app.models.columns import now
from tests.client import Client
from tests.factories import PostFactory


@pytest.fixture
def shelf(db: Session, user: User, other_user: User) -> None:
    for author in (user, other_user):
        name = author.name.lower()
        PostFactory(slug=f"{name}-draft", author=author, status=PostStatus.DRAFT)
        PostFactory(slug=f"{name}-published", author=author)
        PostFactory(slug=f"{name}-deleted-draft", author=author, status=PostStatus.DRAFT, deleted_at=now())
        PostFactory(slug=f"{name}-deleted", author=author, deleted_at=now())


def slugs(client: Client, author: User) -> set[str]:
    """Return the slugs of what is listed, which must be as many as the total says."""
    response = client.get(f"/users/{author.id}/posts")
    assert response.status_code == 200
    items = response.json()["items"]
    assert response.json()["total"] == len(items)
    return {item["slug"] for item in items}


@pytest.mark.usefixtures("shelf")
class TestListUserPostsVisibility:
    def test_a_stranger_sees_what_is_published(self, anon_client: Client, user: User) -> None:
        assert slugs(anon_client, user) == {"user-published"}

    def test_another_user_sees_what_is_published(self, client: Client, other_user: User) -> None:
        assert slugs(client, other_user) == {"other-published"}

    def test_the_author_sees_their_drafts_too(self, client: Client, user: User) -> None:
        assert slugs(client, user) == {"user-published", "user-draft"}

    def test_an_admin_sees_drafts_too(self, admin_client: Client, user: User) -> None:
        assert slugs(admin_client, user) == {"user-published", "user-draft"}


class TestListUserPosts:
    def test_a_post_is_listed_as_it_is_read(self, anon_client: Client) -> None:
        post = PostFactory(title="Zoë's title")
        response = anon_client.get(f"/users/{post.author_id}/posts")
        alone = anon_client.get(f"/posts/{post.id}").json()
        assert response.status_code == 200
        assert response.json() == {"items": [alone], "total": 1, "limit": 20, "offset": 0}

    def test_a_user_who_wrote_nothing_has_an_empty_page(self, anon_client: Client, user: User) -> None:
        PostFactory()
        assert anon_client.get(f"/users/{user.id}/posts").json() == {"items": [], "total": 0, "limit": 20, "offset": 0}

    def test_the_posts_of_a_deactivated_user_are_listed(self, anon_client: Client, user: User) -> None:
        PostFactory(author=user, slug="kept")
        user.is_active = False
        assert slugs(anon_client, user) == {"kept"}

    def test_the_newest_comes_first_and_pages_show_every_post_once(self, anon_client: Client, user: User) -> None:
        moments = [now() - timedelta(minutes=minutes) for minutes in (1, 3, 2, 2, 4)]
        posts = [PostFactory(author=user, created_at=moment, updated_at=now()) for moment in moments]
        PostFactory(created_at=moments[0])
        order = [posts[place].id for place in (0, 3, 2, 1, 4)]
        pages = [anon_client.get(f"/users/{user.id}/posts?limit=2&offset={offset}").json() for offset in (0, 2, 4, 6)]
        assert [[item["id"] for item in page["items"]] for page in pages] == [order[:2], order[2:4], order[4:], []]
        assert [(page["total"], page["limit"], page["offset"]) for page in pages] == [
            (5, 2, offset) for offset in (0, 2, 4, 6)
        ]

    @pytest.mark.parametrize("user_id", [0, -1, 2**63 - 1])
    def test_an_unknown_user_is_not_found(self, anon_client: Client, user_id: int) -> None:
        response = anon_client.get(f"/users/{user_id}/posts")
        assert (response.status_code, response.json()) == (404, {"detail": "User not found"})

    def test_a_bad_token_is_refused_where_none_is_needed(self, anon_client: Client, user: User) -> None:
        response = anon_client.get(f"/users/{user.id}/posts", headers={"Authorization": "Bearer forged"})
        assert (response.status_code, response.json()) == (401, {"detail": "Invalid or expired token"})

    @pytest.mark.parametrize("user_id", [2**63, -(2**63), "x", "1.5"])
    def test_what_can_be_no_id_is_refused(self, anon_client: Client, user_id: object) -> None:
        response = anon_client.get(f"/users/{user_id}/posts")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "user_id"]]

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [("limit", "0"), ("limit", "101"), ("limit", "x"), ("offset", "-1"), ("offset", "10001"), ("offset", "9" * 30)],
    )
    def test_a_page_outside_the_limits_is_refused(
        self, anon_client: Client, user: User, parameter: str, value: str
    ) -> None:
        response = anon_client.get(f"/users/{user.id}/posts?{parameter}={value}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["query", parameter]]
