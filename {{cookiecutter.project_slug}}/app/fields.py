"""Kinds of values that requests carry, each refusing what the database could not store."""

import unicodedata
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, EmailStr, Field, StringConstraints

LARGEST_ID = 2**63 - 1


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


Email = Annotated[EmailStr, AfterValidator(str.lower)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(one_line)]
Password = Annotated[str, StringConstraints(min_length=8, max_length=128)]
# Any text that may have been a password or a token: longer ones are not worth hashing.
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Id = Annotated[int, Field(ge=-LARGEST_ID, le=LARGEST_ID)]
PathId = Annotated[Id, Path()]
