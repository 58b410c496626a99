"""`GET /posts?q=`: a text found in title or body, in any case, and nothing that only resembles it."""

from typing import Any

import pytest

from app.models import PostStatus, User
from app.posts import service
from tests.client import Client
from tests.factories import PostFactory


def found(client: Client, q: str, **others: str | int) -> list[str]:
    response = client.get("/posts", params={"q": q, "sort": "created_at", **others})
    assert response.status_code == 200
    titles = [item["title"] for item in response.json()["items"]]
    assert response.json()["total"] == len(titles)
    return titles


class TestText:
    @pytest.mark.parametrize(
        "post",
        [
            {"title": "Needle in a haystack"},
            {"title": "A NEEDLE"},
            {"title": "Sewing", "body": "With pinneedles\nand thread"},
            {"title": "needles", "body": "needle needle"},
        ],
    )
    def test_it_is_found_once_anywhere_in_title_or_body(self, anon_client: Client, post: dict[str, Any]) -> None:
        PostFactory(**post)
        PostFactory(title="Thread", body="Haystack", slug="needle")
        assert found(anon_client, "needle") == found(anon_client, "NEEDLE") == [post["title"]]

    def test_it_is_one_text_and_not_several_words(self, anon_client: Client) -> None:
        PostFactory(title="red green", body="blue")
        assert [found(anon_client, q) for q in ("d g", "red ", " green")] == [["red green"]] * 3
        assert [found(anon_client, q) for q in ("red blue", "green red", " red")] == [[]] * 3

    @pytest.mark.parametrize(
        ("q", "title", "similar"),
        [
            ("50%", "50% off", "500 off"),
            ("%", "100%", "100"),
            ("a_b", "a_b", "axb"),
            ("a/b", "a/b", "ab"),
            ("/%", "/%", "%"),
            ("a\\b", "a\\b", "ab"),
            ("\\%", "\\%", "%"),
            ("*", "*", "x"),
            ("[ab]", "[ab]", "a"),
            ("' OR 1=1 --", "' OR 1=1 --", "x"),
        ],
    )
    def test_every_mark_means_itself(self, anon_client: Client, q: str, title: str, similar: str) -> None:
        PostFactory(title=title)
        PostFactory(title=similar)
        assert found(anon_client, q) == [title]

    @pytest.mark.parametrize(
        ("q", "title"),
        [
            ("école", "ÉCOLE"),
            ("ÉCOLE", "école"),
            ("ПРИВЕТ", "Привет"),
            ("ωμέγα", "ΩΜΈΓΑ"),
            ("ΟΔΟΣ", "οδοσ"),
            ("本語", "日本語"),
            ("🦊", "A 🦊"),
        ],
    )
    def test_letters_of_any_language_are_found_in_any_case(self, anon_client: Client, q: str, title: str) -> None:
        PostFactory(title=title)
        PostFactory(title="Title", body=title)
        PostFactory(title="Another")
        assert found(anon_client, q) == [title, "Title"]

    @pytest.mark.parametrize(
        ("q", "title"),
        [("ecole", "école"), ("école", "ecole"), ("strasse", "straße"), ("🦊", "🐻"), ("o", "ø"), ("ΟΔΟΣ", "οδος")],
    )
    def test_a_letter_is_not_found_for_another(self, anon_client: Client, q: str, title: str) -> None:
        PostFactory(title=title, body="-")
        assert found(anon_client, q) == []

    def test_bytes_that_are_no_text_are_no_error(self, anon_client: Client) -> None:
        PostFactory()
        response = anon_client.get("/posts?q=%ed%a0%80%ff")
        assert (response.status_code, response.json()["items"]) == (200, [])


class TestHowMany:
    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "MOST_SEARCHED", 2)

    def test_the_newest_are_searched(self, anon_client: Client, user: User) -> None:
        for number in range(3):
            PostFactory(title=f"word {number}", author=user)
        assert found(anon_client, "word") == found(anon_client, "word", sort="title") == ["word 1", "word 2"]
        assert found(anon_client, "word 0") == []

    def test_what_is_hidden_or_filtered_out_is_not_among_them(
        self, client: Client, anon_client: Client, user: User, other_user: User
    ) -> None:
        for status in PostStatus:
            PostFactory(title=f"word {status}", author=user, status=status)
        PostFactory.create_batch(3, title="word", author=other_user, status=PostStatus.DRAFT)
        assert found(client, "word") == ["word draft", "word published"]
        assert found(anon_client, "word") == ["word published"]
        PostFactory.create_batch(3, title="word", author=other_user)
        assert found(client, "word", author_id=user.id) == ["word draft", "word published"]
        assert found(client, "word", status="draft") == ["word draft"]
