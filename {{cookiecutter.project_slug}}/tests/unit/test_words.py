"""The words that an index holds of a text."""

import pytest

from app.words import LONGEST, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", set()),
        (" \t\n", set()),
        ("One two, one", {"one", "two", ","}),
        ("snake_case", {"snake", "_", "case"}),
        ("it's 3.11", {"it", "'", "s", "3", ".", "11"}),
        ("École", {"école"}),
        ("日本語", {"日", "本", "語"}),
        ("a🦊🦊b", {"a", "🦊", "b"}),
    ],
)
def test_letters_and_digits_that_stand_together_are_one(text: str, words: set[str]) -> None:
    assert words_of(text) == words


def test_those_of_several_texts_are_put_together() -> None:
    assert words_of("one two", "two three") == {"one", "two", "three"}


def test_a_long_one_is_cut() -> None:
    assert words_of("a" * (LONGEST + 1)) == words_of("a" * LONGEST) == {"a" * LONGEST}
