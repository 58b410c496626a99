"""`PATCH /posts/{id}`: the author or an admin changes the fields that are sent."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Post, PostStatus, User
from app.models.columns import now
from tests.client import Client
from tests.factories import PostFactory

JSON = {"Content-Type": "application/json"}
NEVER_GOOD: list[object] = [None, "", 1, True, [], 1e400, "a\0b", "a\ud800b"]
PAST = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
VALUES: dict[str, Any] = {"title": "Old", "body": "Old body", "slug": "old", "created_at": PAST, "updated_at": PAST}
CHANGES = {"title": "New", "body": "New body", "slug": "new", "status": "published"}


@pytest.fixture
def post(user: User) -> Post:
    return PostFactory(**VALUES, author=user, status=PostStatus.DRAFT)


@pytest.fixture
def foreign_post(other_user: User) -> Post:
    return PostFactory(**VALUES | {"slug": "foreign"}, author=other_user)


def rows(db: Session) -> list[dict[str, Any]]:
    """Return everything that is stored, to compare with later."""
    return [dict(row) for row in db.execute(select(*Post.__table__.c).order_by(Post.id)).mappings()]


class TestUpdatePost:
    @pytest.mark.parametrize("changes", [CHANGES, *({field: value} for field, value in CHANGES.items())], ids=" ".join)
    def test_the_fields_that_are_sent_change_and_no_others(
        self, client: Client, db: Session, post: Post, changes: dict[str, str]
    ) -> None:
        bystander = PostFactory(author=post.author)
        (before, other), shown, start = rows(db), client.get(f"/posts/{post.id}").json(), now()
        response = client.patch(f"/posts/{post.id}", json=changes)
        assert response.status_code == 200
        assert start <= post.updated_at <= now()
        assert response.json() == shown | changes | {"updated_at": f"{post.updated_at:%Y-%m-%dT%H:%M:%S.%fZ}"}
        assert rows(db) == [before | changes | {"updated_at": post.updated_at}, other]
        assert bystander.id == other["id"]

    def test_an_admin_changes_anybodys_post(self, admin_client: Client, foreign_post: Post, other_user: User) -> None:
        response = admin_client.patch(f"/posts/{foreign_post.id}", json={"title": "New"})
        assert (response.status_code, response.json()["title"]) == (200, "New")
        assert (foreign_post.title, foreign_post.author_id) == ("New", other_user.id)

    def test_a_published_post_may_become_a_draft_again(self, client: Client, post: Post) -> None:
        post.status = PostStatus.PUBLISHED
        assert client.patch(f"/posts/{post.id}", json={"status": "draft"}).status_code == 200
        assert post.status is PostStatus.DRAFT

    def test_nothing_sent_changes_nothing(self, client: Client, db: Session, post: Post) -> None:
        before = rows(db)
        response = client.patch(f"/posts/{post.id}", json={})
        assert (response.status_code, response.json()["title"]) == (200, "Old")
        assert rows(db) == before

    def test_what_the_server_decides_is_not_obeyed(
        self, client: Client, db: Session, post: Post, other_user: User
    ) -> None:
        before = rows(db)
        moment = "2030-01-01T00:00:00Z"
        decided = {"id": 4711, "author_id": other_user.id, "deleted_at": moment}
        response = client.patch(f"/posts/{post.id}", json=decided | {"created_at": moment, "updated_at": moment})
        assert response.status_code == 200
        assert rows(db) == before

    def test_its_own_slug_is_not_taken(self, client: Client, post: Post) -> None:
        response = client.patch(f"/posts/{post.id}", json={"slug": "old", "title": "New"})
        assert (response.status_code, response.json()["slug"]) == (200, "old")
        assert post.title == "New"

    @pytest.mark.parametrize(
        ("field", "value", "stored"),
        [
            pytest.param("title", f" {'🦊' * 200}\n", "🦊" * 200, id="the longest title"),
            pytest.param("body", "🦊" * 16_000, "🦊" * 16_000, id="the longest body"),
            pytest.param("slug", "x" * 200, "x" * 200, id="the longest slug"),
        ],
    )
    def test_values_at_the_limit_are_taken(
        self, client: Client, post: Post, field: str, value: str, stored: str
    ) -> None:
        assert client.patch(f"/posts/{post.id}", json={field: value}).json()[field] == stored
        assert getattr(post, field) == stored


class TestUpdatePostRefused:
    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session, foreign_post: Post) -> None:
        before = rows(db)
        response = anon_client.patch(f"/posts/{foreign_post.id}", json=CHANGES)
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert rows(db) == before

    @pytest.mark.parametrize("status", list(PostStatus))
    @pytest.mark.parametrize("changes", [CHANGES, {}, {"title": ""}], ids=["changes", "nothing", "nonsense"])
    def test_another_users_post_is_refused_whatever_is_sent(
        self, client: Client, db: Session, foreign_post: Post, status: PostStatus, changes: dict[str, str]
    ) -> None:
        foreign_post.status = status
        db.flush()
        before = rows(db)
        response = client.patch(f"/posts/{foreign_post.id}", json=changes)
        assert response.status_code == 403
        assert response.json() == {"detail": "Only the author or an admin may do this"}
        assert rows(db) == before

    def test_a_deleted_post_is_not_found(
        self, client: Client, admin_client: Client, db: Session, post: Post, foreign_post: Post
    ) -> None:
        post.deleted_at = foreign_post.deleted_at = now()
        db.flush()
        before = rows(db)
        for writer in (client, admin_client):
            for gone in (post, foreign_post):
                response = writer.patch(f"/posts/{gone.id}", json=CHANGES)
                assert (response.status_code, response.json()) == (404, {"detail": "Post not found"})
        assert rows(db) == before

    @pytest.mark.parametrize("post_id", [0, -1, 2**63 - 1])
    def test_an_unknown_post_is_not_found(self, client: Client, db: Session, post: Post, post_id: int) -> None:
        before = rows(db)
        response = client.patch(f"/posts/{post_id}", json=CHANGES)
        assert (response.status_code, response.json()) == (404, {"detail": "Post not found"})
        assert rows(db) == before

    @pytest.mark.parametrize("deleted_at", [None, PAST], ids=["kept", "deleted"])
    def test_a_taken_slug_is_refused_and_nothing_changes(
        self, client: Client, db: Session, post: Post, deleted_at: datetime | None
    ) -> None:
        PostFactory(slug="new", status=PostStatus.DRAFT, deleted_at=deleted_at)
        before = rows(db)
        response = client.patch(f"/posts/{post.id}", json=CHANGES)
        assert (response.status_code, response.json()) == (409, {"detail": "A post with this slug already exists"})
        assert rows(db) == before

    @pytest.mark.parametrize("post_id", [2**63, "x", "1.5"])
    def test_what_can_be_no_id_is_refused(self, client: Client, post_id: object) -> None:
        response = client.patch(f"/posts/{post_id}", json=CHANGES)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "post_id"]]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *((field, value) for field in CHANGES for value in NEVER_GOOD),
            ("title", " \n"),
            pytest.param("title", "x" * 201, id="a title over-long by one"),
            ("title", "a\nb"),
            pytest.param("body", "x" * 16_001, id="a body over-long by one"),
            pytest.param("slug", "x" * 201, id="a slug over-long by one"),
            ("slug", "A-slug"),
            ("slug", "a-slug\n"),
            ("status", "deleted"),
        ],
    )
    def test_a_bad_value_is_refused_and_nothing_changes(
        self, client: Client, db: Session, post: Post, field: str, value: object
    ) -> None:
        before = rows(db)
        content = json.dumps(CHANGES | {field: value})
        response = client.patch(f"/posts/{post.id}", content=content, headers=JSON)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", field]]
        assert rows(db) == before

    @pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
    def test_a_body_that_is_no_json_object_is_refused(self, client: Client, post: Post, content: str) -> None:
        response = client.patch(f"/posts/{post.id}", content=content, headers=JSON)
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"][0] == "body"
