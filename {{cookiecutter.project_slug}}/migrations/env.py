"""How Alembic reaches the database and the models."""

from alembic import context
from sqlalchemy import Connection

import app.models  # noqa: F401 - registers the tables
from app.database import Base, engine, make_engine
from app.settings import get_settings


def run(connection: Connection) -> None:
    """Migrate, in one transaction where the engine has them for tables too."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=True,
        # {% if cookiecutter.__sqlite %}
        # SQLite changes a column only by copying its table, which Alembic then does.
        render_as_batch=True,
        # {% endif %}
    )
    with context.begin_transaction():
        context.run_migrations()


def run_offline() -> None:
    """Write the SQL instead of running it: `alembic upgrade head --sql`."""
    context.configure(
        url=engine.url, target_metadata=Base.metadata, literal_binds=True, dialect_opts={"paramstyle": "named"}
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    # Its statements may take longer than those of a request.
    patient = make_engine(get_settings(), patient=True)
    with patient.connect() as connection:
        run(connection)
        connection.commit()
    patient.dispose()
