"""Tokens that are mailed and used once: to set a new password, or to verify an address."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.columns import Identified, enum_column, now


class Purpose(StrEnum):
    """What a token is good for, and nothing else."""

    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a purpose
    EMAIL_VERIFICATION = "email_verification"


class OneTimeToken(Identified, Base):
    """One token, known by the SHA-256 of its text; using it deletes it."""

    __tablename__ = "one_time_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[Purpose] = mapped_column(enum_column(Purpose, "purpose"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # Where it was mailed to, and the user's `token_version` then: it proves nothing about another address, and goes the
    # way of the sessions when these are ended.
    email: Mapped[str] = mapped_column(String(254))
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
