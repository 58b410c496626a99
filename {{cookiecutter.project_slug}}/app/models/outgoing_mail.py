"""Mails that a committed request has promised and no server has taken yet."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.columns import Identified, now


class OutgoingMail(Identified, Base):
    """Which mail goes to whom; one that is being sent, or has failed, is due again later."""

    __tablename__ = "outgoing_mails"

    kind: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime] = mapped_column(default=now, index=True)
