"""Sessions: a family of refresh tokens, of which only the newest is good."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Base
from app.models.columns import Identified, now

if TYPE_CHECKING:
    from app.models.user import User


class RefreshToken(Identified, Base):
    """One refresh token, known by the SHA-256 of its text; a login starts a family, a refresh goes on with it."""

    __tablename__ = "refresh_tokens"
    # A session that is renewed all day leaves a hundred spent tokens: who looks for what is good reads none of them.
    __table_args__ = (Index("ix_refresh_tokens_user_id", "user_id", "spent_at", "revoked_at", "id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    family: Mapped[str] = mapped_column(String(32), index=True)
    # The user's `token_version` at the login, without which the token is no longer good.
    version: Mapped[int]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # When, and with which browser or client, the session began; carried from token to token.
    started_at: Mapped[datetime] = mapped_column(default=now)
    user_agent: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(back_populates="refresh_tokens")
