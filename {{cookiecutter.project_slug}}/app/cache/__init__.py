"""What is shown out of Redis: a post or a user as its readers see it, until somebody writes to it.

Writes of the session's objects are noticed by themselves, in every process: see `models.shown`. Bulk statements (`update(Post)`) and what the database deletes
with something else are not: name what they change to `forget`.
"""

import atexit
import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from fastapi import Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cache.cache_store import NOTHING, CacheStore
from app.database.commits import after_commit
from app.models import Post, User
from app.observability.questions import NEEDED, Question
from app.settings import get_settings

M = TypeVar("M", bound=BaseModel)

settings = get_settings()
# An environment for itself, though two of them share a server.
store = CacheStore(settings.redis_url, f"{settings.cache_prefix}:{settings.environment}", settings.cache_seconds)
atexit.register(store.close)


def cached(
    model: type[Post | User], view: type[M], keep: Callable[[M], bool] = lambda _: True
) -> Callable[[Callable[..., M | None]], Callable[..., M | None]]:
    """Return a decorator for a dependency that loads a row as it is shown, and has the row's id for its first parameter.

    Redis is asked first, and `X-Cache` says whether it knew. What `keep` denies is never put there.
    """

    def decorate(load: Callable[..., M | None]) -> Callable[..., M | None]:
        signature = inspect.signature(load)
        id_name = next(iter(signature.parameters))

        @wraps(load)
        def read(*, x_cache_response: Response, **arguments: Any) -> M | None:
            key = key_of(model, arguments[id_name])
            value, lease = store.look_up(key)
            shown = None if value is None else parsed(view, value)
            x_cache_response.headers["X-Cache"] = "MISS" if shown is None else "HIT"
            if shown is not None:
                return shown
            stored = NOTHING
            try:
                shown = load(**arguments)
                if shown is not None and keep(shown):
                    stored = shown.model_dump_json().encode()
            finally:
                if lease is not None:
                    store.fill(key, lease, stored)
            return shown

        response = inspect.Parameter("x_cache_response", inspect.Parameter.KEYWORD_ONLY, annotation=Response)
        parameters = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in signature.parameters.values()]
        read.__signature__ = signature.replace(parameters=[*parameters, response])  # type: ignore[attr-defined] # functions take it, typeshed omits it
        return read

    return decorate


def parsed(view: type[M], value: bytes) -> M | None:
    """Return the value, unless it stands for nothing or an earlier version of the project put it there."""
    try:
        return view.model_validate_json(value)
    except ValidationError:
        return None


def key_of(model: type[Post | User], row_id: int) -> str:
    return f"{model.__tablename__}:{row_id}"


def forget(db: Session, model: type[Post | User], ids: Iterable[int]) -> None:
    """Show these rows no more as they were before this session's commit."""
    keys = [key_of(model, row_id) for row_id in ids]
    if keys:
        after_commit(db, store.forget, *keys)


def forget_posts_of(db: Session, author: User) -> None:
    """Show no posts of an author any more who is about to be deleted, and they with them."""
    # While the author is locked nobody adds a post, so these are all that go. Some engines lock with a savepoint only.
    with db.begin_nested():
        db.execute(select(User.id).where(User.id == author.id).with_for_update())
    forget(db, Post, db.scalars(select(Post.id).where(Post.author_id == author.id)))


def ask() -> None:
    """Write to Redis, since a full one or a replica still answers; raises `RedisError` where that fails."""
    store.redis.set(store.name("ready"), 1, ex=1)


NEEDED["cache"] = Question("ready-cache", ask)
