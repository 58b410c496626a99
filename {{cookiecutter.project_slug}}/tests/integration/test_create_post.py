"""`POST /posts`: a user writes a post, a draft unless it says otherwise."""

import json
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Post, PostStatus, User
from app.models.columns import now
from tests.client import Client
from tests.factories import PostFactory

POST = {"title": "A title", "body": "A body", "slug": "a-slug"}
JSON = {"Content-Type": "application/json"}
TIMES = ("created_at", "updated_at", "deleted_at")


def posts(db: Session) -> list[Post]:
    return list(db.scalars(select(Post).order_by(Post.id)))


class TestCreatePost:
    def test_a_post_is_stored_and_sent_back(self, client: Client, db: Session, user: User, other_user: User) -> None:
        before = now()
        response = client.post("/posts", json=POST)
        body = response.json()
        (post,) = posts(db)
        assert response.status_code == 201
        created_at, updated_at = (datetime.fromisoformat(body.pop(name)) for name in ("created_at", "updated_at"))
        assert body == POST | {"id": post.id, "status": "draft", "author_id": user.id}
        assert (post.title, post.body, post.slug) == ("A title", "A body", "a-slug")
        assert (post.status, post.author_id, post.deleted_at) == (PostStatus.DRAFT, user.id, None)
        assert (post.created_at, post.updated_at) == (created_at, updated_at)
        assert before <= post.created_at <= now()
        assert before <= post.updated_at <= now()

    @pytest.mark.parametrize("status", list(PostStatus))
    def test_it_may_say_its_status(self, client: Client, db: Session, status: PostStatus) -> None:
        response = client.post("/posts", json=POST | {"status": status})
        assert (response.status_code, response.json()["status"]) == (201, status)
        assert [post.status for post in posts(db)] == [status]

    def test_an_admin_writes_in_their_own_name(self, admin_client: Client, db: Session, admin: User) -> None:
        assert admin_client.post("/posts", json=POST).json()["author_id"] == admin.id
        assert [post.author_id for post in posts(db)] == [admin.id]

    def test_a_slash_at_the_end_makes_no_difference(self, client: Client, db: Session) -> None:
        assert client.post("/posts/", json=POST).status_code == 201
        assert len(posts(db)) == 1

    def test_what_the_server_decides_is_not_obeyed(
        self, client: Client, db: Session, user: User, other_user: User
    ) -> None:
        past = "2020-01-01T00:00:00Z"
        decided = {"id": 4711, "author_id": other_user.id}
        before = now()
        response = client.post("/posts", json=POST | decided | dict.fromkeys(TIMES, past))
        assert response.status_code == 201
        (post,) = posts(db)
        assert post.id != 4711
        assert (post.author_id, post.deleted_at) == (user.id, None)
        assert min(post.created_at, post.updated_at) >= before

    @pytest.mark.parametrize(
        ("field", "value", "stored"),
        [
            pytest.param("title", "x", "x", id="the shortest title"),
            pytest.param("title", "🦊" * 200, "🦊" * 200, id="the longest title"),
            pytest.param("title", f" {'x' * 200}\n", "x" * 200, id="the longest title, once stripped"),
            pytest.param("title", "Zoë's <b>100%</b>", "Zoë's <b>100%</b>", id="marks in the title"),
            pytest.param("body", " ", " ", id="the shortest body"),
            pytest.param("body", "🦊" * 16_000, "🦊" * 16_000, id="the longest body"),
            pytest.param("body", "\r\n a\tb \x7f\n", "\r\n a\tb \x7f\n", id="a body as it is"),
            pytest.param("slug", "x", "x", id="the shortest slug"),
            pytest.param("slug", "x" * 200, "x" * 200, id="the longest slug"),
            pytest.param("slug", "1-b-22-cc", "1-b-22-cc", id="a slug of several words"),
        ],
    )
    def test_values_at_the_limit_are_taken(
        self, client: Client, db: Session, field: str, value: str, stored: str
    ) -> None:
        response = client.post("/posts", json=POST | {field: value})
        assert response.status_code == 201
        assert response.json()[field] == stored
        assert [getattr(post, field) for post in posts(db)] == [stored]

    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session) -> None:
        response = anon_client.post("/posts", json=POST | {"title": ""})
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert posts(db) == []

    @pytest.mark.parametrize("status", list(PostStatus))
    @pytest.mark.parametrize("deleted_at", [None, now()], ids=["kept", "deleted"])
    def test_a_taken_slug_is_refused(
        self, client: Client, db: Session, status: PostStatus, deleted_at: datetime | None
    ) -> None:
        first = PostFactory(slug="a-slug", status=status, deleted_at=deleted_at)
        response = client.post("/posts", json=POST)
        assert (response.status_code, response.json()) == (409, {"detail": "A post with this slug already exists"})
        assert posts(db) == [first]


class TestCreatePostWithBadInput:
    @pytest.mark.parametrize("field", ["title", "body", "slug"])
    def test_a_missing_field_is_refused(self, client: Client, db: Session, field: str) -> None:
        response = client.post("/posts", json={name: value for name, value in POST.items() if name != field})
        assert response.status_code == 422
        assert response.json() == {"detail": [{"type": "missing", "loc": ["body", field], "msg": "Field required"}]}
        assert posts(db) == []

    @pytest.mark.parametrize("value", [None, 1, 1e400, True, [], {}], ids=str)
    @pytest.mark.parametrize("field", ["title", "body", "slug", "status"])
    def test_a_field_that_is_no_text_is_refused(self, client: Client, db: Session, field: str, value: object) -> None:
        response = client.post("/posts", content=json.dumps(POST | {field: value}), headers=JSON)
        assert response.status_code == 422
        kind = "enum" if field == "status" else "string_type"
        assert [(item["loc"], item["type"]) for item in response.json()["detail"]] == [(["body", field], kind)]
        assert posts(db) == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", ""),
            ("title", " \t\n "),
            pytest.param("title", "x" * 201, id="a title over-long by one"),
            ("title", "a\0b"),
            ("title", "a\nb"),
            ("title", "a\x85b"),
            ("title", "a\ud800b"),
            ("body", ""),
            pytest.param("body", "x" * 16_001, id="a body over-long by one"),
            ("body", "a\0b"),
            ("body", "a\ud800b"),
            ("slug", ""),
            pytest.param("slug", "x" * 201, id="a slug over-long by one"),
            *(("slug", slug) for slug in ("A", "é", "a b", " a", "a ", "a\n", "a_b", "a/b", "a\0b")),
            *(("slug", slug) for slug in ("-", "-a", "a-", "a--b")),
            ("slug", "a\ud800b"),
            ("status", ""),
            ("status", "DRAFT"),
            ("status", "deleted"),
            ("status", "draft "),
        ],
    )
    def test_a_value_outside_the_limits_is_refused(self, client: Client, db: Session, field: str, value: str) -> None:
        response = client.post("/posts", content=json.dumps(POST | {field: value}), headers=JSON)
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["body", field]]
        assert posts(db) == []

    @pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"', "title=x", "nan"])
    def test_a_body_that_is_no_json_object_is_refused(self, client: Client, db: Session, content: str) -> None:
        response = client.post("/posts", content=content, headers=JSON)
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"][0] == "body"
        assert posts(db) == []
