"""What routes of every domain ask for: the settings, a page of a list, and a turn to hash."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Query, Request
from starlette.requests import HTTPConnection

from app.api.errors import NotFound
from app.api.pagination import PageParams
from app.settings import Settings

HASHING_THREADS = 2
"""Passwords hashed at a time: few, so that memory stays flat and other requests keep their turn."""

PageDep = Annotated[PageParams, Query()]


async def get_app_settings(connection: HTTPConnection) -> Settings:
    """Return the settings that `create_app` was given."""
    settings: Settings = connection.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(get_app_settings)]


async def require_exact_path(request: Request) -> None:
    """Refuse a path with a slash at the end, for a route that writes to a whole collection.

    `DELETE /things/{id}` with an id that came out empty is `DELETE /things/`, and must not mean all of them.
    """
    if unquote(request.scope["raw_path"]) != request.scope["path"]:
        raise NotFound("Not Found")


ExactPath = Depends(require_exact_path)


async def wait_to_hash() -> AsyncIterator[None]:
    """Wait on the event loop, without a thread or a connection, until fewer others hash a password."""
    yield


# For each route that hashes, so that they count together.
HashingLimit = Depends(wait_to_hash, scope="function", max_concurrency=HASHING_THREADS)
