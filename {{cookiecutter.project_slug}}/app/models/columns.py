"""Columns that several tables share."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Enum
from sqlalchemy.orm import Mapped, mapped_column


def now() -> datetime:
    """Return the present time, aware and in UTC."""
    return datetime.now(UTC)


def enum_column(choices: type[StrEnum], name: str) -> Enum:
    """Return a type that stores the values as text and lets the database refuse any other."""
    return Enum(
        choices,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


class Identified:
    """An integer key given by the database."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class Timestamped:
    """When a row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
