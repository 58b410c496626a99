"""`GET /posts?q=`: a text found in title or body, in any case, and nothing that only resembles it."""

from typing import Any

import pytest

from app.models import User
from tests.client import Client
from tests.factories import PostFactory


def found(client: Client, q: str) -> list[str]:
    response = client.get("/posts", params={"q": q, "sort": "created_at"})
    assert response.status_code == 200
    titles = [item["title"] for item in response.json()["items"]]
    assert response.json()["total"] == len(titles)
    return titles


class TestSearchPosts:
    @pytest.mark.parametrize(
        "post",
        [
            {"title": "Needle in a haystack"},
            {"title": "needle"},
            {"title": "A NEEDLE"},
            {"title": "Sewing", "body": "With a Needle\nand thread"},
            {"title": "needles", "body": "needle needle"},
        ],
    )
    def test_it_is_found_once_anywhere_in_title_or_body(self, anon_client: Client, post: dict[str, Any]) -> None:
        PostFactory(**post)
        PostFactory(title="Thread", body="Haystack", slug="needle")
        assert found(anon_client, "needle") == [post["title"]]
        assert found(anon_client, "NEEDLE") == [post["title"]]

    def test_it_is_one_text_and_not_several_words(self, anon_client: Client) -> None:
        PostFactory(title="red green", body="blue")
        assert found(anon_client, "d g") == ["red green"]
        assert found(anon_client, "red blue") == []
        assert found(anon_client, "green red") == []

    def test_spaces_around_it_count(self, anon_client: Client) -> None:
        PostFactory(title="red green")
        assert found(anon_client, "red ") == ["red green"]
        assert found(anon_client, " red") == []

    def test_the_author_is_not_searched(self, anon_client: Client, user: User) -> None:
        PostFactory(author=user)
        assert found(anon_client, "user") == []

    @pytest.mark.parametrize(
        ("q", "title", "similar"),
        [
            ("50%", "50% off", "500 off"),
            ("%", "100%", "100"),
            ("a_b", "a_b", "axb"),
            ("_", "_", "x"),
            ("a/b", "a/b", "ab"),
            ("/%", "/%", "%"),
            ("a\\b", "a\\b", "ab"),
            ("\\%", "\\%", "%"),
            ("*", "*", "x"),
            ("[ab]", "[ab]", "a"),
            ("'", "it's", "its"),
            ('"', '"', "x"),
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
            ("日本", "日本語"),
            ("🦊", "A 🦊"),
        ],
    )
    def test_letters_of_any_language_are_found_in_any_case(self, anon_client: Client, q: str, title: str) -> None:
        PostFactory(title=title)
        PostFactory(title="Title", body=title)
        PostFactory(title="Another")
        assert found(anon_client, q) == [title, "Title"]

    @pytest.mark.parametrize(
        ("q", "title"), [("ecole", "école"), ("école", "ecole"), ("strasse", "straße"), ("🦊", "🐻"), ("o", "ø")]
    )
    def test_a_letter_is_not_found_for_another(self, anon_client: Client, q: str, title: str) -> None:
        PostFactory(title=title, body="-")
        assert found(anon_client, q) == []

    def test_bytes_that_are_no_text_are_no_error(self, anon_client: Client) -> None:
        PostFactory()
        response = anon_client.get("/posts?q=%ed%a0%80%ff")
        assert (response.status_code, response.json()["items"]) == (200, [])
