"""People who log in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Base
from app.models.columns import Identified, Timestamped, enum_column

if TYPE_CHECKING:
    from app.models.post import Post
    from app.models.refresh_token import RefreshToken


class Role(StrEnum):
    """What a user may do beyond their own things."""

    USER = "user"
    ADMIN = "admin"


class User(Identified, Timestamped, Base):
    """An account; deleting it deletes its posts and its sessions."""

    __tablename__ = "users"
    # Whoever deletes a user whom another request has just deleted has what they want.
    __mapper_args__ = {"confirm_deleted_rows": False}  # noqa: RUF012 - SQLAlchemy declares it without ClassVar

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(enum_column(Role, "role"), default=Role.USER)
    is_active: Mapped[bool] = mapped_column(default=True)
    email_verified_at: Mapped[datetime | None]
    # Access and refresh tokens carry it: raising it ends every one that is out.
    token_version: Mapped[int] = mapped_column(default=0)

    posts: Mapped[list[Post]] = relationship(
        back_populates="author", cascade="all, delete-orphan", passive_deletes=True
    )
    refresh_tokens: Mapped[list[RefreshToken]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN
