"""The engine, the declarative base and the one place where a transaction begins and ends."""

import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from anyio import Semaphore
from fastapi import BackgroundTasks, Depends
from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session, sessionmaker
from sqlalchemy.sql.selectable import GenerativeSelect
from starlette.requests import HTTPConnection

from app import engines
from app.api import errors
from app.api.dependencies import HASHING_THREADS
from app.api.routing import Deferred, OutsideOneHop, in_one_hop, is_any
from app.database.commits import BACKGROUND, BACKGROUND_THREADS
from app.settings import Settings, get_settings

# FastAPI lets a `def` endpoint wait for a thread while it has a connection: fewer than there are, so all go on.
_plain_routes = Semaphore(4)

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, stored and returned in UTC with its microseconds; a naive one raises `ValueError`."""

    impl = DateTime(timezone=True)
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
    url = make_url(settings.database_url)
    return {
        **engines.pool_options(url),
        # A server that does not answer keeps no thread for as long as the system would wait.
        "connect_args": engines.connect_args(url),
        "isolation_level": engines.CURRENT.ISOLATION_LEVEL,
        # The one more asks whether the database answers.
        "pool_size": settings.request_threads + HASHING_THREADS + BACKGROUND_THREADS + 1,
        "max_overflow": 0,
        # An error that is logged does not show whose hash or address a statement had.
        "hide_parameters": True,
        "pool_recycle": 1800,
    }


def make_engine(settings: Settings) -> Engine:
    """Return an engine with a pool for the database of the settings."""
    made = create_engine(settings.database_url, **engine_options(settings))
    engines.prepare(made)
    return made


engine = make_engine(get_settings())
# A closed session is refused: it would take another connection, which nobody gives back.
SessionLocal = sessionmaker(engine, expire_on_commit=False, close_resets_only=False)


class ReadOnlyError(RuntimeError):
    """A `GET` or `HEAD` request was about to write."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"GET and HEAD requests are read-only, but this one {what}. Make it a POST, PUT, PATCH or DELETE, or write in a"
            " session of its own: `with SessionLocal.begin() as db:`"
        )


class ReadSession(Session):
    """The session of a `GET` or `HEAD` request: it has no transaction, and raises `ReadOnlyError` instead of writing."""

    def __init__(self, bind: Engine | Connection, **options: Any) -> None:
        # The connection of a test has its transaction already.
        super().__init__(engines.for_reading(bind) if isinstance(bind, Engine) else bind, **options)


@event.listens_for(ReadSession, "before_flush")
def refuse_flush(db: Session, *_: object) -> None:
    changed = {type(one).__name__ for one in (*db.new, *db.dirty, *db.deleted)}
    raise ReadOnlyError(f"changes {' and '.join(sorted(changed))}")


@event.listens_for(ReadSession, "do_orm_execute")
def refuse_write(state: ORMExecuteState) -> None:
    if not state.is_select:
        raise ReadOnlyError("executes something other than a select() or, as SQL that only reads, a text().columns()")
    statement = state.statement
    # Nothing public tells, and without a transaction the lock would be gone at once.
    if isinstance(statement, GenerativeSelect) and statement._for_update_arg is not None:  # noqa: SLF001
        raise ReadOnlyError("locks rows")


async def wait_on_plain_route(connection: HTTPConnection) -> AsyncIterator[None]:
    """Let few requests at a time have a session, of `def` endpoints outside `OneHopRoute`."""
    endpoint = connection.scope["endpoint"]
    # A one-hop route's own session takes no turn: this one is of a dependency that FastAPI runs around it.
    is_plain = isinstance(endpoint, Deferred)
    if not is_plain and is_any(endpoint, inspect.iscoroutinefunction, inspect.isasyncgenfunction):
        yield
    else:
        async with _plain_routes:
            yield


def get_db(
    background: BackgroundTasks,
    connection: HTTPConnection,
    _turn: Annotated[None, OutsideOneHop(wait_on_plain_route, scope="function")] = None,
) -> Iterator[Session]:
    """Yield a session that connects at its first statement, and commit before the response is sent.

    It is a `ReadSession` for `GET` and `HEAD`; a WebSocket has no method, and its messages may write.

    Any exception rolls back, except an `AppError` that keeps its changes: those are committed, then it is raised.
    """
    # A WebSocket has no response after which FastAPI would run them.
    info = {BACKGROUND: background} if connection.scope["type"] == "http" else {}
    reads = connection.scope.get("method") in {"GET", "HEAD"}
    with ReadSession(**SessionLocal.kw, info=info) if reads else SessionLocal(info=info) as session:
        try:
            yield session
        except errors.AppError as error:
            if error.keeps_changes:
                session.commit()
            raise
        session.commit()


SessionDep = Annotated[Session, Depends(get_db, scope="function")]


@contextmanager
def reading(db: Session) -> Iterator[None]:
    """Hold no connection after this block while an `async def` endpoint or a WebSocket awaits; what was read stays loaded.

    A `def` endpoint goes on with it in the same thread, and a transaction that was open before stays open.
    """
    is_last = not (in_one_hop.get() or db.in_transaction())
    yield
    if is_last:
        db.commit()
