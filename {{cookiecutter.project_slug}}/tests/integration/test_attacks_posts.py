"""Attacks on posts, lists and caches that worked on other projects, played again."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Post, PostStatus, User
from tests.client import Client
from tests.factories import PostFactory
from tests.integration.test_access import ACCESS, EVERYBODY

LARGEST_PAGES = {"/tasks/{task_id}": 1000}


@pytest.fixture
def post(other_user: User) -> Post:
    """The victim's."""
    return PostFactory(author=other_user, title="Theirs", slug="theirs")


@pytest.fixture
def draft(other_user: User) -> Post:
    return PostFactory(author=other_user, title="Secret", status=PostStatus.DRAFT)


def rows(db: Session) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(select(*Post.__table__.c).order_by(Post.id)).mappings()]


class TestAnothersPost:
    @pytest.mark.parametrize("body", [{"title": "Mine"}, {"status": "draft"}, {"author_id": 1}, {}], ids=str)
    def test_it_is_not_edited_by_its_id(
        self, client: Client, db: Session, post: Post, draft: Post, body: dict[str, object]
    ) -> None:
        before = rows(db)
        for one in (post, draft):
            response = client.patch(f"/posts/{one.id}", json=body)
            assert (response.status_code, "Secret" in response.text) == (403, False)
        assert rows(db) == before

    def test_it_is_not_deleted_by_its_id(self, client: Client, db: Session, post: Post, draft: Post) -> None:
        before = rows(db)
        assert [client.delete(f"/posts/{one.id}").status_code for one in (post, draft)] == [403, 403]
        assert rows(db) == before
        assert client.get(f"/posts/{post.id}").status_code == 200

    @pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "POST"])
    def test_it_is_not_reached_through_ones_own_path(
        self, client: Client, db: Session, user: User, post: Post, method: str
    ) -> None:
        before = rows(db)
        for path in (f"/users/{user.id}/posts/{post.id}", f"/users/me/posts/{post.id}", f"/users/{user.id}/posts"):
            assert client.request(method, path, json={"title": "Mine"}).status_code in {404, 405}
        assert rows(db) == before
        assert client.get(f"/users/{user.id}/posts").status_code == 200

    def test_a_post_is_not_written_in_anothers_name_or_over_anothers(
        self, client: Client, db: Session, user: User, other_user: User, post: Post
    ) -> None:
        theirs = {"id": post.id, "author_id": other_user.id, "author": {"id": other_user.id}}
        body = {"title": "New", "body": "New", "slug": "new"}
        response = client.post("/posts", json=theirs | body)
        assert (response.status_code, response.json()["author_id"]) == (201, user.id)
        mine = response.json()["id"]
        assert client.patch(f"/posts/{mine}", json=theirs).status_code == 200
        assert client.post("/posts", json=body | {"slug": "theirs"}).status_code == 409
        assert [(row["id"], row["author_id"], row["title"]) for row in rows(db)] == [
            (post.id, other_user.id, "Theirs"),
            (mine, user.id, "New"),
        ]

    def test_a_draft_shows_in_no_list_search_or_total(
        self, anon_client: Client, client: Client, other_user: User, draft: Post
    ) -> None:
        wishes = ["", "?status=draft", f"?author_id={other_user.id}&status=draft", "?q=secret", "?sort=title"]
        paths = [f"/posts{wish}" for wish in wishes] + [f"/users/{other_user.id}/posts"]
        for reader in (anon_client, client):
            assert reader.get(f"/posts/{draft.id}").status_code == 404
            answers = [reader.get(path).json() for path in paths]
            assert [(answer["items"], answer["total"]) for answer in answers] == [([], 0)] * len(paths)


class TestStaleCache:
    """Each is read first, so that whatever keeps answers has them."""

    def test_a_change_shows_at_once(self, anon_client: Client, client: Client, user: User) -> None:
        post = PostFactory(author=user, title="Old")
        for title in ("New", "Newer"):
            anon_client.get(f"/posts/{post.id}")
            assert client.patch(f"/posts/{post.id}", json={"title": title}).status_code == 200
            assert anon_client.get(f"/posts/{post.id}").json()["title"] == title
            assert [item["title"] for item in anon_client.get("/posts").json()["items"]] == [title]

    @pytest.mark.parametrize("end", ["unpublished", "deleted", "author gone"])
    def test_what_is_withdrawn_is_gone_at_once(
        self, anon_client: Client, client: Client, db: Session, user: User, end: str
    ) -> None:
        post_id = PostFactory(author=user).id
        for _ in range(2):
            assert anon_client.get(f"/posts/{post_id}").status_code == 200
        if end == "unpublished":
            assert client.patch(f"/posts/{post_id}", json={"status": "draft"}).status_code == 200
        else:
            path = "/users/me" if end == "author gone" else f"/posts/{post_id}"
            assert client.delete(path).status_code == 204
        assert anon_client.get(f"/posts/{post_id}").status_code == 404
        assert anon_client.get("/posts").json()["total"] == 0

    def test_what_an_admin_was_shown_of_a_user_is_not_shown_to_the_next(
        self, client: Client, admin_client: Client, other_user: User
    ) -> None:
        for _ in range(2):
            assert admin_client.get(f"/users/{other_user.id}").json()["email"] == other_user.email
            assert client.get(f"/users/{other_user.id}").json().keys() == {"id", "name", "created_at"}

    @pytest.mark.parametrize("who", ["owner", "admin"])
    def test_no_proxy_is_told_to_keep_what_is_private(self, caller: Client, ids: dict[str, Any], who: str) -> None:
        for method, path, options, statuses in ACCESS:
            if method == "GET":
                response = caller.request(method, path.format_map(ids), **options)
                assert response.status_code == statuses[EVERYBODY.index(who)], path
                kept = response.headers.get("Cache-Control", "")
                assert not {"public", "s-maxage"} & {word.strip().partition("=")[0] for word in kept.split(",")}, path


class TestUnboundedList:
    def test_no_list_may_be_asked_for_whole(self, app: FastAPI, admin_client: Client, ids: dict[str, Any]) -> None:
        paths = {
            path
            for path, methods in app.openapi()["paths"].items()
            if any(parameter["name"] == "limit" for parameter in methods.get("get", {}).get("parameters", ()))
        }
        assert {"/posts", "/users", "/users/{user_id}/posts", "/auth/sessions"} <= paths
        for path in paths:
            most = LARGEST_PAGES.get(path, 100)
            for wish in (f"limit={most + 1}", "limit=1000000000", "limit=-1", "limit=null", "offset=-1", "offset=1e9"):
                assert admin_client.get(f"{path.format_map(ids)}?{wish}").status_code == 422, (path, wish)

    def test_a_list_is_bounded_where_nobody_asks(self, anon_client: Client, user: User) -> None:
        PostFactory.create_batch(101, author=user)
        body = anon_client.get("/posts").json()
        assert (len(body["items"]), body["limit"], body["total"]) == (20, 20, 101)
        assert len(anon_client.get("/posts?limit=100").json()["items"]) == 100
