"""Imports of posts.

Revision ID: 7e3b5a9c1d42
Revises: 4c1e0a7d52b9
Create Date: 2026-11-22 10:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "7e3b5a9c1d42"
down_revision: str | None = "4c1e0a7d52b9"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "post_imports",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.String(32), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "running",
                "complete",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["users.id"],
            name=op.f("fk_post_imports_author_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_imports")),
        sa.UniqueConstraint("task_id", name=op.f("uq_post_imports_task_id")),
    )
    op.create_index(op.f("ix_post_imports_author_id"), "post_imports", ["author_id"])
    op.create_table(
        "post_import_problems",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["post_imports.id"],
            name=op.f("fk_post_import_problems_import_id_post_imports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_import_problems")),
        sa.UniqueConstraint("import_id", "line", name=op.f("uq_post_import_problems_import_id_line")),
    )


def downgrade() -> None:
    op.drop_table("post_import_problems")
    op.drop_table("post_imports")
