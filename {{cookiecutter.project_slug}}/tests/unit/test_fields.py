"""What is kept of a header that clients fill as they like."""

from app.api.fields import LONGEST_USER_AGENT, shown_part


class TestShownPart:
    def test_no_character_of_a_header_but_the_printable_ones_is_kept(self) -> None:
        # As the server hands it over: each byte a character.
        for character in map(chr, range(256)):
            assert shown_part(character) in {None, character}
            assert (shown_part(character) == character) == character.isprintable()

    def test_it_is_cut_after_what_is_left_out(self) -> None:
        assert shown_part("\0" * LONGEST_USER_AGENT + "x" * LONGEST_USER_AGENT + "y") == "x" * LONGEST_USER_AGENT

    def test_what_has_nothing_to_show_is_nothing(self) -> None:
        assert (shown_part(""), shown_part("\0\x85")) == (None, None)
