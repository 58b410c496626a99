"""The first tables.

Revision ID: 4c1e0a7d52b9
Revises:
Create Date: 2026-11-21 10:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from app import database

# {%- if cookiecutter.use_celery +%}
from app.database import documents

# {%- endif +%}

# By the numbers of the letters, so that what begins alike is together.
COLLATION = "{{ cookiecutter.__binary_collation }}"

revision: str = "4c1e0a7d52b9"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # {% if cookiecutter.__mysql %}
    # Compare text by character: the server's default takes é for e, and on most versions A for a.
    op.execute("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    # {% endif %}
    op.create_table(
        "users",
        sa.Column("id", database.Key(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "user",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("email_verified_at", database.UTCDateTime(), nullable=True),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("created_at", database.UTCDateTime(), nullable=False),
        sa.Column("updated_at", database.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "posts",
        sa.Column("id", database.Key(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("slug", sa.String(200), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "published",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("author_id", database.Key(), nullable=False),
        sa.Column("deleted_at", database.UTCDateTime(), nullable=True),
        sa.Column("created_at", database.UTCDateTime(), nullable=False),
        sa.Column("updated_at", database.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["users.id"],
            name=op.f("fk_posts_author_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("slug", name=op.f("uq_posts_slug")),
    )
    for name in ("created_at", "updated_at", "title"):
        op.create_index(op.f(f"ix_posts_{name}"), "posts", ["status", "deleted_at", name, "id"])
    listed = ["author_id", "status", "deleted_at", "created_at", "id"]
    op.create_index(op.f("ix_posts_author_id"), "posts", listed)
    op.create_table(
        "post_words",
        sa.Column("post_id", database.Key(), nullable=False),
        sa.Column("word", sa.String(32, collation=COLLATION), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"],
            ["posts.id"],
            name=op.f("fk_post_words_post_id_posts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("post_id", "word", name=op.f("pk_post_words")),
    )
    searched = ["is_published", "word", "post_id"]
    op.create_index(op.f("ix_post_words_word"), "post_words", searched)
    op.create_table(
        "refresh_tokens",
        sa.Column("id", database.Key(), nullable=False),
        sa.Column("user_id", database.Key(), nullable=False),
        sa.Column("family", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("started_at", database.UTCDateTime(), nullable=False),
        sa.Column("user_agent", sa.String(200), nullable=True),
        sa.Column("created_at", database.UTCDateTime(), nullable=False),
        sa.Column("expires_at", database.UTCDateTime(), nullable=False),
        sa.Column("spent_at", database.UTCDateTime(), nullable=True),
        sa.Column("revoked_at", database.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_refresh_tokens_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_tokens_token_hash")),
    )
    good = ["user_id", "spent_at", "revoked_at", "id"]
    op.create_index(op.f("ix_refresh_tokens_user_id"), "refresh_tokens", good)
    op.create_index(op.f("ix_refresh_tokens_family"), "refresh_tokens", ["family"])
    op.create_table(
        "one_time_tokens",
        sa.Column("id", database.Key(), nullable=False),
        sa.Column("user_id", database.Key(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "password_reset",
                "email_verification",
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", database.UTCDateTime(), nullable=False),
        sa.Column("expires_at", database.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_one_time_tokens_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_tokens_token_hash")),
    )
    op.create_index(op.f("ix_one_time_tokens_user_id"), "one_time_tokens", ["user_id"])
    op.create_index(op.f("ix_one_time_tokens_expires_at"), "one_time_tokens", ["expires_at"])
    # {% if cookiecutter.use_celery %}
    op.create_table(
        "post_imports",
        sa.Column("id", database.Key(), nullable=False),
        sa.Column("task_id", sa.String(32), nullable=False),
        sa.Column("author_id", database.Key(), nullable=False),
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
        sa.Column("document", documents.Document(), nullable=True),
        sa.Column("created_at", database.UTCDateTime(), nullable=False),
        sa.Column("updated_at", database.UTCDateTime(), nullable=False),
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
        sa.Column("id", database.Key(), nullable=False),
        sa.Column("import_id", database.Key(), nullable=False),
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
    # {% endif %}


def downgrade() -> None:
    # {% if cookiecutter.use_celery %}
    op.drop_table("post_import_problems")
    op.drop_table("post_imports")
    # {% endif %}
    op.drop_table("one_time_tokens")
    op.drop_table("refresh_tokens")
    op.drop_table("post_words")
    op.drop_table("posts")
    op.drop_table("users")
