"""Kinds of values that requests carry, each refusing what the database could not store."""

import unicodedata
from typing import Annotated

from fastapi import Header, Path
from pydantic import AfterValidator, Field, StringConstraints

from app.settings.values import MailAddress

LARGEST_ID = 2**63 - 1
# As wide as the columns.
LONGEST_EMAIL = 254
LONGEST_USER_AGENT = 200


def one_line(value: str) -> str:
    """Refuse control characters, line breaks among them."""
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError("must not contain control characters")
    return value


def without_nul(value: str) -> str:
    """Refuse NUL, which no text column holds."""
    if "\0" in value:
        raise ValueError("must not contain NUL characters")
    return value


def shown_part(value: str) -> str | None:
    """Return what there is to show of a header that clients fill as they like: no control characters, and not all of it."""
    return "".join(character for character in value if character.isprintable())[:LONGEST_USER_AGENT] or None


# The length counts after lower(), which makes two characters of some.
Email = Annotated[MailAddress, Field(max_length=LONGEST_EMAIL)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(one_line)]
Password = Annotated[str, StringConstraints(min_length=8, max_length=128)]
# Any text that may have been a password or a token: longer ones are not worth hashing.
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Id = Annotated[int, Field(ge=-LARGEST_ID, le=LARGEST_ID)]
PathId = Annotated[Id, Path()]
UserAgent = Annotated[str | None, Header(include_in_schema=False), AfterValidator(shown_part)]
