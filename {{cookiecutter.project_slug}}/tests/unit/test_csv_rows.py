"""Files of posts: which rows they have, where each begins, and what is wrong with it."""

import pytest
from fastapi.exceptions import RequestValidationError

from app.imports.csv_rows import MOST_ROWS, Row, read_rows
from app.models import PostStatus
from app.posts.schemas import LONGEST_BODY

HEADER = "title,body,slug\n"
GOOD = "Title,Body,good\n"


def bad_rows(text: str) -> dict[int, str]:
    return {row.line: row.reason for row in read_rows(text.encode()) if row.post is None}


def lines(text: str) -> list[tuple[int, str]]:
    return [(row.line, row.post.slug if row.post else "") for row in read_rows(text.encode())]


class TestLines:
    def test_the_first_row_is_on_the_second_line(self) -> None:
        assert lines(f"{HEADER}Title,Body,a\nTitle,Body,b\n") == [(2, "a"), (3, "b")]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_line_breaks_within_quotes_count(self, end: str) -> None:
        text = 'title,body,slug\nTitle,"1\n2\n3",a\nTitle,Body,b\nTitle,"1\n\n",c\nTitle,Body,d'.replace("\n", end)
        assert lines(text) == [(2, "a"), (5, "b"), (6, "c"), (9, "d")]

    def test_line_breaks_in_the_header_count(self) -> None:
        assert lines(f'"title\n","\nbody",slug\n{GOOD}') == [(4, "good")]

    def test_blank_lines_count_but_are_no_rows(self) -> None:
        assert lines(f"{HEADER}\n\nTitle,Body,a\n\nTitle,Body,b\n\n") == [(4, "a"), (6, "b")]

    def test_bad_rows_count(self) -> None:
        assert lines(f'{HEADER}"x"y,Body,a\nTitle\n,,\n{GOOD}') == [(2, ""), (3, ""), (4, ""), (5, "good")]


class TestReasons:
    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (",Body,slug", "title: String should have at least 1 character"),
            (" ,Body,slug", "title: String should have at least 1 character"),
            ('"a\nb",Body,slug', "title: must not contain control characters"),
            ("a\0b,Body,slug", "title: must not contain control characters"),
            (f"{'x' * 201},Body,slug", "title: String should have at most 200 characters"),
            ("Title,,slug", "body: String should have at least 1 character"),
            ("Title,a\0b,slug", "body: must not contain NUL characters"),
            (f"Title,{'x' * (LONGEST_BODY + 1)},slug", f"body: String should have at most {LONGEST_BODY} characters"),
            (f"Title,{'x' * 200_000},slug", f"body: String should have at most {LONGEST_BODY} characters"),
            ("Title,Body,", "slug: String should match pattern '^[a-z0-9]+(-[a-z0-9]+)*$'"),
            ("Title,Body,A Slug", "slug: String should match pattern '^[a-z0-9]+(-[a-z0-9]+)*$'"),
            (f"Title,Body,{'x' * 201}", "slug: String should have at most 200 characters"),
            ("Title,Body,a\0b", "slug: String should match pattern '^[a-z0-9]+(-[a-z0-9]+)*$'"),
            (
                ",,slug",
                "title: String should have at least 1 character; body: String should have at least 1 character",
            ),
            ("Title", "Has 1 columns instead of 3"),
            ("Title,Body,slug,", "Has 4 columns instead of 3"),
            ('"x"y,Body,slug', "No CSV: ',' expected after '\"'"),
        ],
    )
    def test_a_bad_row_says_what_is_wrong_with_it(self, row: str, reason: str) -> None:
        assert bad_rows(f"{HEADER}{GOOD}{row}\n{GOOD}") == {3: reason}

    @pytest.mark.parametrize("status", ["Draft", " draft", "deleted", "a\0b"])
    def test_a_status_is_one_of_two(self, status: str) -> None:
        text = f"slug,status,title,body\na,{status},Title,Body\n"
        assert bad_rows(text) == {2: "status: Input should be 'draft' or 'published'"}

    @pytest.mark.parametrize(("status", "meant"), [("", "draft"), ("draft", "draft"), ("published", "published")])
    def test_an_empty_status_is_none(self, status: str, meant: str) -> None:
        (row,) = read_rows(f"slug,status,title,body\na,{status},Title,Body\n".encode())
        assert row.post is not None
        assert row.post.status is PostStatus(meant)

    def test_a_quote_that_is_never_closed_is_told_where_it_opens(self) -> None:
        assert bad_rows(f'{HEADER}{GOOD}Title,"Body,slug\n{GOOD}{GOOD}') == {3: "No CSV: unexpected end of data"}

    def test_the_lines_of_a_text_that_is_too_long_are_no_rows(self) -> None:
        text = HEADER + f'Title,"{GOOD * 20_000}",slug\nTitle,Body,last\n'
        assert lines(text) == [(2, ""), (20_003, "last")]


class TestValues:
    def test_text_stays_as_it_is_but_for_the_ends_of_the_title(self) -> None:
        (row,) = read_rows(f'{HEADER} Title ," ""Body"",\r\n ",slug\n'.encode())
        assert row.post is not None
        assert (row.post.title, row.post.body, row.post.slug) == ("Title", ' "Body",\r\n ', "slug")

    def test_a_good_row_has_no_reason(self) -> None:
        (row,) = read_rows(f"{HEADER}{GOOD}".encode())
        assert row == Row(2, row.post)

    def test_the_longest_values_are_taken(self) -> None:
        assert bad_rows(f"{HEADER}{'🦊' * 200},{'🦊' * LONGEST_BODY},{'x' * 200}\n") == {}


class TestWholeFiles:
    @pytest.mark.parametrize(
        ("document", "message"),
        [
            (b"", "The first line must name the columns title, body, slug and may name status"),
            (b"\n" + HEADER.encode() + GOOD.encode(), "The first line must name the columns"),
            (b"title,body\nTitle,Body\n", "The first line must name the columns"),
            (b"title,body,slug,slug\nTitle,Body,a,b\n", "The first line must name the columns"),
            (b"title,body,slug,author_id\nTitle,Body,a,1\n", "The first line must name the columns"),
            (b"Title,Body,Slug\nTitle,Body,a\n", "The first line must name the columns"),
            (b"title;body;slug\nTitle;Body;a\n", "The first line must name the columns"),
            (GOOD.encode(), "The first line must name the columns"),
            (b'"title"x,body,slug\nTitle,Body,a\n', "The first line is no CSV"),
            (b'"title,body,slug\nTitle,Body,a\n', "The first line is no CSV"),
            (HEADER.encode(), "The file has no rows"),
            (HEADER.encode() + b"x\n" * (MOST_ROWS + 1), "The file has more than 50000 rows"),
            (HEADER.encode() + b"\n\n", "The file has no rows"),
            ((HEADER + "Zoë,Body,a\n").encode("latin-1"), "The file is not encoded in UTF-8"),
            ((HEADER + GOOD).encode("utf-16"), "The file is not encoded in UTF-8"),
            ((HEADER + "\ud800,Body,a\n").encode("utf-8", "surrogatepass"), "The file is not encoded in UTF-8"),
        ],
    )
    def test_one_that_is_wrong_as_a_whole_is_refused(self, document: bytes, message: str) -> None:
        with pytest.raises(RequestValidationError) as refused:
            list(read_rows(document))
        ((problem),) = refused.value.errors()
        assert problem["loc"] == ("body", "file")
        assert problem["msg"].startswith(message)

    def test_one_with_as_many_rows_as_may_be_is_taken(self) -> None:
        assert len(list(read_rows(HEADER.encode() + b"x\n" * MOST_ROWS))) == MOST_ROWS
