"""`GET /posts/{id}`: published posts are for everybody, drafts for their author and admins, deleted ones for nobody."""

from datetime import UTC, datetime

import pytest

from app.models import PostStatus, User
from app.models.columns import now
from tests.client import Client
from tests.factories import PostFactory

NOT_FOUND = {"detail": "Post not found"}


class TestReadPost:
    def test_anybody_reads_a_published_post(self, anon_client: Client, other_user: User) -> None:
        post = PostFactory(
            title="A title",
            body="A body\nof two lines",
            slug="a-slug",
            author=other_user,
            created_at=datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
            updated_at=datetime(2026, 2, 3, 4, 5, 6, 654321, tzinfo=UTC),
        )
        PostFactory()
        response = anon_client.get(f"/posts/{post.id}")
        assert response.status_code == 200
        assert response.json() == {
            "id": post.id,
            "title": "A title",
            "body": "A body\nof two lines",
            "slug": "a-slug",
            "status": "published",
            "author_id": other_user.id,
            "created_at": "2026-01-02T03:04:05.123456Z",
            "updated_at": "2026-02-03T04:05:06.654321Z",
        }

    def test_a_slash_at_the_end_makes_no_difference(self, anon_client: Client) -> None:
        post = PostFactory()
        response = anon_client.get(f"/posts/{post.id}/")
        assert (response.status_code, response.json()["id"]) == (200, post.id)

    def test_another_user_reads_a_published_post(self, client: Client) -> None:
        post = PostFactory()
        response = client.get(f"/posts/{post.id}")
        assert (response.status_code, response.json()["id"]) == (200, post.id)

    def test_the_author_reads_their_draft(self, client: Client, user: User) -> None:
        post = PostFactory(author=user, status=PostStatus.DRAFT)
        response = client.get(f"/posts/{post.id}")
        assert (response.status_code, response.json()["id"], response.json()["status"]) == (200, post.id, "draft")

    def test_an_admin_reads_anybodys_draft(self, admin_client: Client) -> None:
        post = PostFactory(status=PostStatus.DRAFT)
        response = admin_client.get(f"/posts/{post.id}")
        assert (response.status_code, response.json()["id"], response.json()["status"]) == (200, post.id, "draft")

    def test_a_draft_is_hidden_from_a_stranger(self, anon_client: Client) -> None:
        response = anon_client.get(f"/posts/{PostFactory(status=PostStatus.DRAFT).id}")
        assert (response.status_code, response.json()) == (404, NOT_FOUND)

    def test_a_draft_is_hidden_from_another_user(self, client: Client, user: User) -> None:
        PostFactory(author=user)
        response = client.get(f"/posts/{PostFactory(status=PostStatus.DRAFT).id}")
        assert (response.status_code, response.json()) == (404, NOT_FOUND)

    @pytest.mark.parametrize("status", list(PostStatus))
    def test_a_deleted_post_is_hidden_from_everybody(
        self, anon_client: Client, client: Client, admin_client: Client, user: User, status: PostStatus
    ) -> None:
        post = PostFactory(author=user, status=status, deleted_at=now())
        for reader in (anon_client, client, admin_client):
            response = reader.get(f"/posts/{post.id}")
            assert (response.status_code, response.json()) == (404, NOT_FOUND)

    @pytest.mark.parametrize("post_id", [0, -1, 2**31, 2**63 - 1, 1 - 2**63])
    def test_an_unknown_post_is_not_found(self, admin_client: Client, post_id: int) -> None:
        PostFactory()
        response = admin_client.get(f"/posts/{post_id}")
        assert (response.status_code, response.json()) == (404, NOT_FOUND)

    @pytest.mark.parametrize("post_id", [2**63, -(2**63) - 1, 10**400, "x", "1.5", "1e3", "null", "a-slug", "%00"])
    def test_what_can_be_no_id_is_refused(self, anon_client: Client, post_id: object) -> None:
        response = anon_client.get(f"/posts/{post_id}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "post_id"]]

    def test_a_bad_token_is_refused_where_none_is_needed(self, anon_client: Client) -> None:
        response = anon_client.get(f"/posts/{PostFactory().id}", headers={"Authorization": "Bearer forged"})
        assert (response.status_code, response.json()) == (401, {"detail": "Invalid or expired token"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
