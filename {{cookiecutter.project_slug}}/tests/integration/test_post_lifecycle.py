"""The life of a post, as everybody sees it at each step."""

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth.tokens import issue_access_token
from app.models import Post, User
from app.settings import Settings
from tests.client import Client

CREATED = {"title": "First", "body": "The first body", "slug": "first"}


@pytest.fixture
def other_client(running: TestClient, db: Session, other_user: User, settings: Settings) -> Client:
    return Client(running, db, issue_access_token(other_user, settings))


class Readers:
    """Everybody who may look at a post of `user`, under the names used below."""

    def __init__(self, **clients: Client) -> None:
        self.clients = clients

    def who_reads(self, post_id: int, title: str) -> set[str]:
        """Return who is shown the post under this title; the others must be told that there is none."""
        allowed = set()
        for name, client in self.clients.items():
            response = client.get(f"/posts/{post_id}")
            if response.status_code == 200:
                assert response.json()["title"] == title
                allowed.add(name)
            else:
                assert (response.status_code, response.json()) == (404, {"detail": "Post not found"})
        return allowed

    def who_finds(self, path: str) -> set[str]:
        """Return who is shown the one post there is in the list."""
        totals = {name: client.get(path).json()["total"] for name, client in self.clients.items()}
        assert set(totals.values()) <= {0, 1}
        return {name for name, total in totals.items() if total}


@pytest.fixture
def readers(anon_client: Client, other_client: Client, client: Client, admin_client: Client) -> Readers:
    return Readers(anonymous=anon_client, other=other_client, author=client, admin=admin_client)


EVERYBODY = {"anonymous", "other", "author", "admin"}


class TestPostLifecycle:
    def test_from_draft_to_deletion(
        self, client: Client, other_client: Client, db: Session, user: User, readers: Readers
    ) -> None:
        def seen_by(title: str, q: str) -> set[str]:
            """Return who sees the post, by its id and in lists alike."""
            found = readers.who_reads(post_id, title)
            for path in (f"/posts?q={q}", f"/users/{user.id}/posts"):
                assert readers.who_finds(path) == found
            return found

        post_id = client.post("/posts", json=CREATED).json()["id"]
        assert seen_by("First", "first") == {"author", "admin"}

        assert client.patch(f"/posts/{post_id}", json={"status": "published"}).status_code == 200
        assert seen_by("First", "first") == EVERYBODY

        assert other_client.patch(f"/posts/{post_id}", json={"title": "Mine"}).status_code == 403
        assert client.patch(f"/posts/{post_id}", json={"title": "Second", "body": "Another"}).status_code == 200
        assert seen_by("Second", "another") == EVERYBODY
        assert readers.who_finds("/posts?q=first") == set()

        assert client.patch(f"/posts/{post_id}", json={"status": "draft"}).status_code == 200
        assert seen_by("Second", "another") == {"author", "admin"}
        assert client.patch(f"/posts/{post_id}", json={"status": "published"}).status_code == 200
        assert seen_by("Second", "another") == EVERYBODY

        assert other_client.delete(f"/posts/{post_id}").status_code == 403
        assert client.delete(f"/posts/{post_id}").status_code == 204
        assert seen_by("Second", "another") == set()
        for writer in readers.clients.values():
            assert writer.patch(f"/posts/{post_id}", json={"status": "published"}).status_code in {401, 404}
        assert seen_by("Second", "another") == set()
        post = db.get_one(Post, post_id)
        assert (post.title, post.slug, post.deleted_at is None) == ("Second", "first", False)

    def test_an_admin_ends_the_life_of_anothers_draft(
        self, client: Client, admin_client: Client, user: User, readers: Readers
    ) -> None:
        post_id = client.post("/posts", json=CREATED).json()["id"]
        assert admin_client.patch(f"/posts/{post_id}", json={"title": "Second"}).json()["author_id"] == user.id
        assert readers.who_reads(post_id, "Second") == {"author", "admin"}
        assert admin_client.delete(f"/posts/{post_id}").status_code == 204
        assert readers.who_reads(post_id, "Second") == set()

    def test_posts_go_with_their_author(
        self, client: Client, other_client: Client, admin_client: Client, user: User
    ) -> None:
        gone = client.post("/posts", json=CREATED | {"status": "published"}).json()["id"]
        kept = other_client.post("/posts", json=CREATED | {"slug": "second"}).json()["id"]
        assert client.delete("/users/me").status_code == 204
        assert admin_client.get(f"/posts/{gone}").status_code == 404
        assert admin_client.get(f"/users/{user.id}/posts").status_code == 404
        assert [item["id"] for item in admin_client.get("/posts").json()["items"]] == [kept]
        # With the row the slug is free again, which a deleted post still holds.
        assert other_client.post("/posts", json=CREATED).status_code == 201
