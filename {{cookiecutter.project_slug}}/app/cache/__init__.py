"""Posts and users as they are shown, cached in Redis until somebody writes to them.

Writes to a session's objects invalidate by themselves, in every process that imports this package. Bulk statements and cascades of the database do
not: pass the ids of what they change to `forget`.
"""

import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

from fastapi import Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.cache.cache_store import CacheStore
from app.database.commits import after_commit
from app.models import Post, User
from app.observability.checks import NEEDED, Question
from app.settings import get_settings

SHOWN: tuple[type[Post | User], ...] = (Post, User)

M = TypeVar("M", bound=BaseModel)
Load = Callable[..., M | None]

settings = get_settings()
# An environment for itself, though two of them share a server.
store = CacheStore(settings.redis_url, f"{settings.cache_prefix}:{settings.environment}", settings.cache_seconds)


def cached(
    model: type[Post | User], view: type[M], keep: Callable[[M], bool] = lambda _: True
) -> Callable[[Load[M]], Load[M]]:
    """Cache what a dependency returns for the id that is its first parameter, unless `keep` denies it; sets `X-Cache`."""

    def decorate(load: Load[M]) -> Load[M]:
        signature = inspect.signature(load)
        id_name = next(iter(signature.parameters))

        @wraps(load)
        def read(*, x_cache_response: Response, **arguments: Any) -> M | None:
            key = key_of(model, arguments[id_name])
            entry = store.look_up(key)
            shown = None
            # Otherwise it is a lease, or the value of an earlier version of the project.
            with suppress(ValidationError):
                shown = view.model_validate_json(entry.partition(b":")[2])
            x_cache_response.headers["X-Cache"] = "MISS" if shown is None else "HIT"
            if shown is None:
                shown = load(**arguments)
                if shown is not None and keep(shown):
                    store.fill(key, entry, shown.model_dump_json().encode())
            return shown

        response = inspect.Parameter("x_cache_response", inspect.Parameter.KEYWORD_ONLY, annotation=Response)
        read.__signature__ = signature.replace(parameters=[*signature.parameters.values(), response])  # type: ignore[attr-defined] # functions take it, typeshed omits it
        return read

    return decorate


def key_of(model: type[Post | User], row_id: int) -> str:
    return f"{model.__tablename__}:{row_id}"


def forget(db: Session, model: type[Post | User], ids: Iterable[int]) -> None:
    """Show these rows no more as they were before this session's commit."""
    if keys := [key_of(model, row_id) for row_id in ids]:
        after_commit(db, store.invalidate, *keys)


@event.listens_for(Session, "after_flush")
def notice_writes(db: Session, _context: object) -> None:
    for model in SHOWN:
        forget(db, model, [row.id for row in (*db.dirty, *db.deleted) if isinstance(row, model)])


def ask() -> None:
    """Write to Redis, since a full one or a replica still answers; raises `RedisError` where that fails."""
    store.catch_up()
    store.redis.set(store.name("ready"), 1, ex=1)


NEEDED["cache"] = Question("ready-cache", ask)
