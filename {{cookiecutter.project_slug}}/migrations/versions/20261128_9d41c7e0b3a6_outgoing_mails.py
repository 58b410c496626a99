"""Mails that wait for a mail server.

Revision ID: 9d41c7e0b3a6
Revises: 4c1e0a7d52b9
Create Date: 2026-11-28 10:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "9d41c7e0b3a6"
down_revision: str | None = "4c1e0a7d52b9"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLE = """
CREATE TABLE outgoing_mails (
    id {{ cookiecutter.__generated_key }} NOT NULL,
    kind VARCHAR(40) NOT NULL,
    address VARCHAR(254) NOT NULL,
    created_at {{ cookiecutter.__time_column }} NOT NULL,
    due_at {{ cookiecutter.__time_column }} NOT NULL,
    CONSTRAINT pk_outgoing_mails PRIMARY KEY (id)
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.create_index("ix_outgoing_mails_due_at", "outgoing_mails", ["due_at"])


def downgrade() -> None:
    op.drop_table("outgoing_mails")
