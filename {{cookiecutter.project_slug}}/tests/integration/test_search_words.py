"""`GET /posts?q=` looks at words: which of them, at how many posts, and how they are kept up with what is written."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database import SessionLocal
from app.models import Post, PostStatus, User
from app.models.columns import now
from app.models.post_word import PostWord
from app.posts import searching
from app.settings import Settings
from tests.client import Client
from tests.committed import add_users
from tests.factories import PostFactory


def found(client: Client, q: str, **others: str | int) -> list[str]:
    response = client.get("/posts", params={"q": q, "sort": "created_at", **others})
    assert response.status_code == 200
    return [item["title"] for item in response.json()["items"]]


def words(db: Session, post: Post) -> set[str]:
    return set(db.scalars(select(PostWord.word).where(PostWord.post_id == post.id)))


class TestWhereItBegins:
    @pytest.mark.parametrize("q", ["needle", "needles", "need", "n", "of needles", "k of need"])
    def test_the_longest_word_is_found_at_the_beginning_of_one(self, anon_client: Client, q: str) -> None:
        PostFactory(title="A stack of needles")
        assert found(anon_client, q) == ["A stack of needles"]

    @pytest.mark.parametrize("q", ["eedles", "needless", "of stack", "stack needles"])
    def test_nothing_else_is(self, anon_client: Client, q: str) -> None:
        PostFactory(title="A stack of needles")
        assert found(anon_client, q) == []

    def test_where_a_script_has_no_spaces_it_is_found_anywhere(self, anon_client: Client) -> None:
        PostFactory(title="日本語")
        assert found(anon_client, "本語") == ["日本語"]
        assert found(anon_client, "語本") == []

    def test_a_long_word_is_found_by_all_its_letters(self, anon_client: Client) -> None:
        PostFactory(title="a" * 50)
        PostFactory(title="a" * 40 + "b")
        assert found(anon_client, "a" * 40 + "b") == ["a" * 40 + "b"]

    def test_spaces_alone_find_nothing(self, anon_client: Client) -> None:
        PostFactory(title="A title")
        assert found(anon_client, " ") == []


class TestHowMany:
    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(searching, "MOST_FOUND", 2)

    def test_the_newest_with_the_word_are_looked_at(self, anon_client: Client, user: User) -> None:
        for number in range(3):
            PostFactory(title=f"word {number}", author=user)
        assert found(anon_client, "word") == ["word 1", "word 2"]

    def test_those_with_longer_words_do_not_take_their_place(self, anon_client: Client, user: User) -> None:
        for title in ("word", "wording", "wordless", "words"):
            PostFactory(title=title, author=user)
        assert found(anon_client, "word") == ["word", "wording", "wordless"]

    def test_hidden_drafts_are_not_among_them(self, client: Client, anon_client: Client, other_user: User) -> None:
        for title in ("word", "wording"):
            PostFactory(title=title, author=other_user)
            PostFactory.create_batch(3, title=title, author=other_user, status=PostStatus.DRAFT)
        for reader in (client, anon_client):
            assert found(reader, "word") == ["word", "wording"]
            assert found(reader, "wordi") == ["wording"]

    def test_the_posts_of_others_are_not_among_those_of_one(self, client: Client, user: User, other_user: User) -> None:
        for status in PostStatus:
            PostFactory(title=f"word {status}", author=user, status=status)
        PostFactory.create_batch(3, title="word", author=other_user)
        assert set(found(client, "word", author_id=user.id)) == {"word draft", "word published"}
        assert found(client, "word", status="draft") == ["word draft"]

    def test_the_newest_of_one_author_are_looked_at(self, anon_client: Client, user: User) -> None:
        for number in range(3):
            PostFactory(title=f"word {number}", author=user)
        assert found(anon_client, "word", author_id=user.id) == ["word 1", "word 2"]


class TestWrites:
    def test_a_new_post_is_found_at_once(self, client: Client) -> None:
        body = {"title": "New", "body": "Some words", "slug": "new", "status": "published"}
        assert client.post("/posts", json=body).status_code == 201
        assert found(client, "words") == ["New"]

    def test_a_changed_one_is_found_by_its_new_text_only(self, client: Client, db: Session, user: User) -> None:
        post = PostFactory(title="Old", body="Same", author=user)
        assert client.patch(f"/posts/{post.id}", json={"title": "New"}).status_code == 200
        assert words(db, post) == {"new", "same"}
        assert (found(client, "old"), found(client, "new"), found(client, "same")) == ([], ["New"], ["New"])
        assert client.patch(f"/posts/{post.id}", json={"body": "Other"}).status_code == 200
        assert words(db, post) == {"new", "other"}

    def test_a_draft_is_found_by_everybody_once_it_is_published(self, client: Client, db: Session, user: User) -> None:
        post = PostFactory(title="Word", author=user, status=PostStatus.DRAFT)
        for status, published in (("published", True), ("draft", False)):
            assert client.patch(f"/posts/{post.id}", json={"status": status}).status_code == 200
            assert set(db.scalars(select(PostWord.is_published).where(PostWord.post_id == post.id))) == {published}

    def test_a_deleted_one_leaves_no_words(self, client: Client, db: Session, user: User) -> None:
        post, other = PostFactory.create_batch(2, author=user)
        assert client.delete(f"/posts/{post.id}").status_code == 204
        assert (words(db, post), words(db, other)) == (set(), {"title", other.title.split()[1], "body"})
        assert words(db, PostFactory(author=user, deleted_at=now())) == set()

    def test_a_post_need_not_have_any(self, db: Session, user: User) -> None:
        assert words(db, PostFactory(title=" ", body=" ", author=user)) == set()

    def test_those_of_a_deleted_user_go_too(self, client: Client, db: Session, user: User) -> None:
        PostFactory(author=user)
        assert client.delete("/users/me").status_code == 204
        assert db.scalars(select(PostWord)).all() == []

    def test_of_two_at_once_both_leave_their_words(self, server: TestClient, settings: Settings) -> None:
        add_users(settings, "writer@example.com")
        with SessionLocal.begin() as db:
            author = db.scalars(select(User)).one()
            db.add(Post(title="Old", body="Old", slug="old", status=PostStatus.PUBLISHED, author_id=author.id))
        with SessionLocal() as first, SessionLocal() as second:
            mine, theirs = (db.scalars(select(Post)).one() for db in (first, second))
            mine.title, theirs.body = "First", "Second"
            first.commit()
            second.commit()
        with SessionLocal() as db:
            assert set(db.scalars(select(PostWord.word))) == {"first", "second"}
