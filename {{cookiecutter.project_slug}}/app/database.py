"""The engine, the declarative base and the one place where a transaction begins and ends."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    # {% if cookiecutter.__sqlite %}
    Integer,
    # {% endif %}
    MetaData,
    TypeDecorator,
    create_engine,
)

# {%- if cookiecutter.__mysql +%}
from sqlalchemy.dialects import mysql

# {%- endif +%}
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from app import (
    errors,
    # {% if cookiecutter.__sqlite %}
    sqlite,
    # {% endif %}
)
from app.routing import HASHING_THREADS
from app.settings import Settings, get_settings

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# The type of keys: 64 bits, as wide as the ids that requests may name.
KEY = BigInteger()
# {% if cookiecutter.__sqlite %}
# SQLite gives a row its key only where the type is called INTEGER, which holds 64 bits there.
KEY = KEY.with_variant(Integer(), "sqlite")
# {% endif %}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, stored and returned in UTC with its microseconds; a naive one raises `ValueError`."""

    impl = DateTime(timezone=True)
    # {% if cookiecutter.__mysql %}
    impl = impl.with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    # {% endif %}
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of the models; its naming convention lets migrations name every constraint."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: UTCDateTime()}  # noqa: RUF012 - SQLAlchemy declares it without ClassVar


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return options that give the pool a connection for every thread that may want one, so that none waits for another."""
    return {
        # {% if cookiecutter.__mysql %}
        # The default, REPEATABLE READ, locks gaps between rows, which deadlocks concurrent inserts.
        "isolation_level": "READ COMMITTED",
        # {% endif %}
        "pool_size": settings.request_threads + HASHING_THREADS,
        "max_overflow": 0,
        "pool_recycle": 1800,
    }


engine = create_engine(get_settings().database_url, **engine_options(get_settings()))
# {% if cookiecutter.__sqlite %}
sqlite.prepare(engine)
# {% endif %}
SessionLocal = sessionmaker(engine, expire_on_commit=False)


def get_db() -> Iterator[Session]:
    """Yield a session that connects at its first statement, and commit before the response is sent.

    Any exception rolls back, except an `AppError` that keeps its changes: those are committed, then it is raised.
    """
    with SessionLocal() as session:
        try:
            yield session
        except errors.AppError as error:
            if error.keeps_changes:
                session.commit()
            raise
        session.commit()
