"""Imports of posts: what was sent, how far it is done, and what was wrong with it."""

from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.columns import Identified, Timestamped, enum_column


class ImportStatus(StrEnum):
    """How far an import is; it goes on while it is queued or running."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


class PostImport(Identified, Timestamped, Base):
    """An import, known to its owner by `task_id`.

    `processed` counts the rows that are done with, in the same transaction in which their posts are added: an import that
    is run again goes on from there.
    """

    __tablename__ = "post_imports"

    task_id: Mapped[str] = mapped_column(String(32), unique=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    status: Mapped[ImportStatus] = mapped_column(enum_column(ImportStatus, "status"), default=ImportStatus.QUEUED)
    total: Mapped[int]
    processed: Mapped[int] = mapped_column(default=0)
    # Read once in a run, and no longer kept when there is nothing left to do.
    document: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)


class PostImportProblem(Identified, Base):
    """A row that became no post, and why; `line` is where it begins in the file, whose first line is 1."""

    __tablename__ = "post_import_problems"
    __table_args__ = (UniqueConstraint("import_id", "line"),)

    import_id: Mapped[int] = mapped_column(ForeignKey("post_imports.id", ondelete="CASCADE"))
    line: Mapped[int]
    reason: Mapped[str] = mapped_column(String(500))
