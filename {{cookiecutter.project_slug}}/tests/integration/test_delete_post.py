"""`DELETE /posts/{id}`: the author or an admin hides a post from everybody; its row and slug stay."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Post, PostStatus, User
from app.models.columns import now
from tests.client import Client
from tests.factories import PostFactory


def rows(db: Session) -> list[dict[str, Any]]:
    """Return everything that is stored, to compare with later."""
    return [dict(row) for row in db.execute(select(*Post.__table__.c).order_by(Post.id)).mappings()]


class TestDeletePost:
    @pytest.mark.parametrize("status", list(PostStatus))
    def test_the_author_deletes_their_post_and_its_row_stays(
        self, client: Client, db: Session, user: User, status: PostStatus
    ) -> None:
        post = PostFactory(author=user, status=status)
        PostFactory(author=user)
        (row, bystander), start = rows(db), now()
        response = client.delete(f"/posts/{post.id}")
        assert (response.status_code, response.content) == (204, b"")
        assert post.deleted_at is not None
        assert start <= post.deleted_at <= now()
        assert rows(db) == [row | {"deleted_at": post.deleted_at, "updated_at": post.updated_at}, bystander]

    def test_an_admin_deletes_anybodys_post(self, admin_client: Client, other_user: User) -> None:
        post = PostFactory(author=other_user)
        assert admin_client.delete(f"/posts/{post.id}").status_code == 204
        assert post.deleted_at is not None

    def test_nobody_sees_it_any_more(
        self, anon_client: Client, client: Client, admin_client: Client, user: User
    ) -> None:
        post = PostFactory(author=user)
        client.delete(f"/posts/{post.id}")
        for reader in (anon_client, client, admin_client):
            assert reader.get(f"/posts/{post.id}").status_code == 404
            assert reader.get("/posts").json()["total"] == 0
            assert reader.get(f"/users/{user.id}/posts").json()["total"] == 0

    def test_its_slug_stays_taken(self, client: Client, db: Session, user: User) -> None:
        post = PostFactory(author=user, slug="taken")
        client.delete(f"/posts/{post.id}")
        response = client.post("/posts", json={"title": "Title", "body": "Body", "slug": "taken"})
        assert (response.status_code, response.json()) == (409, {"detail": "A post with this slug already exists"})
        assert len(rows(db)) == 1

    def test_a_second_time_it_is_not_found(self, client: Client, db: Session, user: User) -> None:
        post = PostFactory(author=user)
        assert client.delete(f"/posts/{post.id}").status_code == 204
        before = rows(db)
        response = client.delete(f"/posts/{post.id}")
        assert (response.status_code, response.json()) == (404, {"detail": "Post not found"})
        assert rows(db) == before

    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session) -> None:
        post = PostFactory()
        before = rows(db)
        response = anon_client.delete(f"/posts/{post.id}")
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert rows(db) == before

    @pytest.mark.parametrize("status", list(PostStatus))
    def test_another_users_post_is_refused(
        self, client: Client, db: Session, other_user: User, status: PostStatus
    ) -> None:
        post = PostFactory(author=other_user, status=status)
        before = rows(db)
        response = client.delete(f"/posts/{post.id}")
        assert response.status_code == 403
        assert response.json() == {"detail": "Only the author or an admin may do this"}
        assert rows(db) == before

    def test_another_users_deleted_post_is_not_found(self, client: Client, db: Session) -> None:
        post = PostFactory(deleted_at=now())
        before = rows(db)
        assert client.delete(f"/posts/{post.id}").status_code == 404
        assert rows(db) == before

    @pytest.mark.parametrize("post_id", [0, -1, 2**63 - 1])
    def test_an_unknown_post_is_not_found(self, admin_client: Client, db: Session, post_id: int) -> None:
        PostFactory()
        before = rows(db)
        response = admin_client.delete(f"/posts/{post_id}")
        assert (response.status_code, response.json()) == (404, {"detail": "Post not found"})
        assert rows(db) == before

    @pytest.mark.parametrize("post_id", [2**63, -(2**63), "x", "1.5"])
    def test_what_can_be_no_id_is_refused(self, admin_client: Client, post_id: object) -> None:
        response = admin_client.delete(f"/posts/{post_id}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "post_id"]]
