"""Bounded lists: the parameters that ask for a page, and the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field
from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

MOST_ITEMS = 100
DEEPEST_OFFSET = 10_000
MOST_COUNTED = DEEPEST_OFFSET + MOST_ITEMS
"""How far a list is counted: nobody can see what comes after."""

T = TypeVar("T")


class PageParams(BaseModel):
    """Which part of a list; the offset is bounded because the database reads all it skips."""

    limit: Annotated[int, Field(ge=1, le=MOST_ITEMS)] = 20
    offset: Annotated[int, Field(ge=0, le=DEEPEST_OFFSET)] = 0


class Page(BaseModel, Generic[T]):
    """A part of a list as it is sent, and the length of the whole: 10,100 where it is that or longer."""

    items: list[T]
    total: int
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """A part of a list as it was read, which `Page` makes into JSON."""

    items: Sequence[T]
    total: int
    limit: int
    offset: int


def read_slice(db: Session, statement: Select[T], params: PageParams, *order: Any) -> Slice[T]:
    """Read one part of what the statement selects, in this order, and count the whole as far as anybody can go: two statements."""
    rows = statement.with_only_columns(literal(1), maintain_column_froms=True).limit(MOST_COUNTED).subquery()
    total = db.scalar(select(func.count()).select_from(rows)) or 0
    items = db.scalars(statement.order_by(*order).limit(params.limit).offset(params.offset)).all()
    return Slice(items=items, total=total, limit=params.limit, offset=params.offset)
