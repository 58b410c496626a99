"""What routes of every domain ask for: the session, the settings, and a page of a list."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from app import database
from app.api.errors import NotFound
from app.api.pages import PageParams
from app.settings import Settings

SessionDep = Annotated[Session, Depends(database.get_db, scope="function")]
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
