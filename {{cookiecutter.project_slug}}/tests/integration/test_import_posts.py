"""`POST /posts/import`: a file of posts, of which each good row becomes a post."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.imports import service
from app.models import Post, PostStatus, User
from app.models.columns import now
from app.models.post_import import PostImport
from tests.client import Client
from tests.factories import PostFactory
from tests.workers import form, numbered, table

TWO = b"title,body,slug,status\nFirst,One,first,draft\nSecond,Two,second,published\n"
TAKEN = "slug: A post with this slug already exists"


def posts(db: Session) -> list[Post]:
    return list(db.scalars(select(Post).order_by(Post.id)))


def outcome(client: Client, document: bytes) -> dict[str, object]:
    """Import the file and return what is told of it."""
    response = client.post("/posts/import", **form(document))
    assert response.status_code == 202
    told: dict[str, object] = client.get(f"/tasks/{response.json()['task_id']}").json()
    return told


class TestImportPosts:
    def test_each_row_becomes_a_post_of_the_caller(
        self, client: Client, db: Session, user: User, other_user: User
    ) -> None:
        before = now()
        response = client.post("/posts/import", **form(TWO))
        assert response.status_code == 202
        (task_id,) = response.json().values()
        first, second = posts(db)
        assert (first.title, first.body, first.slug, first.status) == ("First", "One", "first", PostStatus.DRAFT)
        assert (second.title, second.body, second.slug, second.status) == (
            "Second",
            "Two",
            "second",
            PostStatus.PUBLISHED,
        )
        for post in (first, second):
            assert (post.author_id, post.deleted_at) == (user.id, None)
            assert before <= post.created_at <= now()
            assert before <= post.updated_at <= now()
        assert client.get(f"/tasks/{task_id}").json() == {
            "task_id": task_id,
            "status": "complete",
            "processed": 2,
            "total": 2,
            "errors": [],
        }

    def test_they_are_found_by_their_words(self, client: Client) -> None:
        outcome(client, TWO)
        for word, slug in (("first", "first"), ("two", "second")):
            assert [item["slug"] for item in client.get(f"/posts?q={word}").json()["items"]] == [slug]

    def test_drafts_stay_drafts(self, client: Client, anon_client: Client, db: Session) -> None:
        outcome(client, TWO)
        draft, published = posts(db)
        assert [post["id"] for post in anon_client.get("/posts").json()["items"]] == [published.id]
        assert anon_client.get(f"/posts/{draft.id}").status_code == 404
        assert client.get(f"/posts/{draft.id}").json()["status"] == "draft"

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(b"\xef\xbb\xbf" + TWO, id="a mark in front"),
            pytest.param(TWO.replace(b"\n", b"\r\n"), id="line ends of Windows"),
            pytest.param(TWO.rstrip(), id="no line end at the end"),
            pytest.param(TWO.replace(b"\n", b"\n\n\n"), id="blank lines"),
            pytest.param(TWO.replace(b"First,One", b'"First","One"'), id="quotes"),
            pytest.param(TWO.replace(b"title,body", b" title , body"), id="spaces among the columns"),
            pytest.param(TWO.replace(b"draft", b""), id="an empty status"),
            pytest.param(
                b"status,slug,title,body\n,first,First,One\npublished,second,Second,Two\n", id="another order"
            ),
        ],
    )
    def test_tables_are_written_in_many_ways(self, client: Client, db: Session, document: bytes) -> None:
        told = outcome(client, document)
        assert (told["processed"], told["errors"]) == (2, [])
        assert [(post.title, post.body, post.slug, post.status) for post in posts(db)] == [
            ("First", "One", "first", PostStatus.DRAFT),
            ("Second", "Two", "second", PostStatus.PUBLISHED),
        ]

    def test_without_a_status_all_are_drafts(self, client: Client, db: Session) -> None:
        outcome(client, numbered(2))
        assert [post.status for post in posts(db)] == [PostStatus.DRAFT] * 2

    def test_text_stays_as_it_is(self, client: Client, db: Session) -> None:
        body = ' "quoted", lines\r\nand\nmore, 🦊 '
        outcome(client, table(("Zoë", body, "slug")))
        assert [(post.title, post.body) for post in posts(db)] == [("Zoë", body)]

    def test_there_may_be_more_rows_than_are_added_at_a_time(
        self, client: Client, db: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "BATCH", 2)
        told = outcome(client, numbered(5))
        assert (told["processed"], told["total"], told["status"]) == (5, 5, "complete")
        assert [post.slug for post in posts(db)] == ["slug-2", "slug-3", "slug-4", "slug-5", "slug-6"]

    def test_the_file_is_not_kept_once_it_is_imported(self, client: Client, db: Session) -> None:
        outcome(client, TWO)
        assert db.scalars(select(PostImport.document)).all() == [None]

    def test_an_admin_imports_in_their_own_name(self, admin_client: Client, db: Session, admin: User) -> None:
        outcome(admin_client, TWO)
        assert {post.author_id for post in posts(db)} == {admin.id}

    def test_each_file_is_a_task_of_its_own(self, client: Client) -> None:
        first, second = outcome(client, numbered(1)), outcome(client, numbered(2))
        assert first["task_id"] != second["task_id"]
        assert (first["errors"], second["errors"]) == ([], [{"line": 2, "reason": TAKEN}])


class TestImportBadRows:
    def test_they_are_told_by_line_and_the_others_become_posts(self, client: Client, db: Session) -> None:
        rows = [
            ("Good", "Body", "good", ""),
            ("", "Body", "no-title", ""),
            ("Title", "Body\nof three\nlines", "Slug", ""),
            ("Title", "Body", "slug", "deleted"),
            ("Title", "Body", "short"),
            ("Good too", "Body", "good-too", "published"),
        ]
        told = outcome(client, table(*rows, header=("title", "body", "slug", "status")))
        assert (told["status"], told["processed"], told["total"]) == ("complete", 6, 6)
        assert told["errors"] == [
            {"line": 3, "reason": "title: String should have at least 1 character"},
            {"line": 4, "reason": "slug: String should match pattern '^[a-z0-9]+(-[a-z0-9]+)*$'"},
            {"line": 7, "reason": "status: Input should be 'draft' or 'published'"},
            {"line": 8, "reason": "Has 3 columns instead of 4"},
        ]
        assert [post.slug for post in posts(db)] == ["good", "good-too"]

    def test_a_file_may_have_no_good_row(self, client: Client, db: Session) -> None:
        told = outcome(client, table(("", "", "")))
        assert (told["status"], told["processed"], told["total"]) == ("complete", 1, 1)
        assert posts(db) == []

    @pytest.mark.parametrize("batch", [1, 2, 500])
    def test_the_second_row_with_a_slug_is_refused(
        self, client: Client, db: Session, monkeypatch: pytest.MonkeyPatch, batch: int
    ) -> None:
        monkeypatch.setattr(service, "BATCH", batch)
        rows = [("First", "Body", "a"), ("Second", "Body", "a"), ("Third", "Body", "b"), ("Fourth", "Body", "a")]
        told = outcome(client, table(*rows))
        assert told["errors"] == [{"line": 3, "reason": TAKEN}, {"line": 5, "reason": TAKEN}]
        assert [(post.title, post.slug) for post in posts(db)] == [("First", "a"), ("Third", "b")]

    @pytest.mark.parametrize("deleted", [False, True])
    def test_a_slug_that_is_taken_is_refused_also_by_a_deleted_post(
        self, client: Client, db: Session, other_user: User, *, deleted: bool
    ) -> None:
        theirs = PostFactory(author=other_user, slug="taken", title="Theirs", deleted_at=now() if deleted else None)
        told = outcome(client, table(("Mine", "Body", "taken"), ("Mine", "Body", "free")))
        assert told["errors"] == [{"line": 2, "reason": TAKEN}]
        assert [(post.title, post.slug) for post in posts(db)] == [("Theirs", "taken"), ("Mine", "free")]
        assert theirs.author_id == other_user.id
