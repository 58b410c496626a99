"""The rows of a CSV file of posts."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.api.errors import invalid_field
from app.posts.schemas import PostCreate

REQUIRED = ("title", "body", "slug")
COLUMNS = (*REQUIRED, "status")
LONGEST_REASON = 500
MOST_ROWS = 50_000
"""Bounds the time that one file takes a worker."""

# As large as a file: a longer one ends in the middle of a text, whose next lines would be taken for rows.
csv.field_size_limit(8_000_000)


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the post in it, or what is wrong with it. `line` is where it begins in the file."""

    line: int
    post: PostCreate | None = None
    reason: str = ""


def read_rows(document: bytes) -> Iterator[Row]:
    """Yield the rows of a file whose first line names the columns, in any order; one is held at a time.

    Raises a 422 of the field `file` where the whole of it is wrong: not UTF-8, empty, too many rows, or other columns.
    """
    # With the mark that spreadsheets put in front, or without.
    text = io.TextIOWrapper(io.BytesIO(document), "utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    count = 0
    try:
        for count, row in enumerate(rows_below(reader, columns_of(reader)), 1):
            if count > MOST_ROWS:
                raise invalid_field("file", f"The file has more than {MOST_ROWS} rows")
            yield row
    except UnicodeDecodeError:
        raise invalid_field("file", "The file is not encoded in UTF-8") from None
    if not count:
        raise invalid_field("file", "The file has no rows")


def columns_of(reader: Any) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise invalid_field("file", f"The first line is no CSV: {error}") from None
    if len(set(header)) != len(header) or not set(REQUIRED) <= set(header) <= set(COLUMNS):
        raise invalid_field("file", f"The first line must name the columns {', '.join(REQUIRED)} and may name status")
    return header


def rows_below(reader: Any, header: list[str]) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, reason=f"No CSV: {error}"[:LONGEST_REASON])
            continue
        if len(values) == len(header):
            yield checked(line, dict(zip(header, values, strict=True)))
        elif values:
            yield Row(line, reason=f"Has {len(values)} columns instead of {len(header)}")


def checked(line: int, values: dict[str, str]) -> Row:
    # An empty cell is how a table says that there is no status.
    given = {name: value for name, value in values.items() if value or name != "status"}
    try:
        return Row(line, PostCreate.model_validate(given))
    except ValidationError as error:
        reasons = [f"{problem['loc'][0]}: {problem['msg'].removeprefix('Value error, ')}" for problem in error.errors()]
        return Row(line, reason="; ".join(reasons)[:LONGEST_REASON])
