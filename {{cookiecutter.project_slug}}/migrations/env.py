"""How Alembic reaches the database and the models."""

from alembic import context
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

import app.models  # noqa: F401 - registers the tables
from app import engines
from app.database import Base, revisions
from app.settings import get_settings


def run(connection: Connection) -> None:
    """Migrate, in one transaction where the engine has them for tables too."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=revisions.compare_default,
        process_revision_directives=revisions.correct,
        render_item=revisions.render_item,
        autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname", "app.database.revisions"],
        # {% if cookiecutter.__sqlite %}
        # SQLite changes a column only by copying its table, which Alembic then does.
        render_as_batch=True,
        # {% endif %}
    )
    with context.begin_transaction():
        context.run_migrations()


def run_offline(url: str) -> None:
    """Write the SQL instead of running it: `alembic upgrade head --sql`."""
    context.configure(url=url, target_metadata=Base.metadata, literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()


url = context.config.get_alembic_option("sqlalchemy.url") or get_settings().database_url
if context.is_offline_mode():
    run_offline(url)
else:
    # An engine of its own: the time limits of the application's are not for changes of tables.
    engine = create_engine(
        url,
        connect_args=engines.connect_args(make_url(url), patient=True),
        poolclass=NullPool,
        hide_parameters=True,
    )
    engines.prepare(engine)
    engines.migrate(engine, run)
