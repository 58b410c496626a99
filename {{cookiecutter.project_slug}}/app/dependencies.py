"""What routes ask for by name: the session, the settings, the caller, and the thing that the path names."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Query, Request
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from app import (
    # {% if cookiecutter.use_redis %}
    cache,
    # {% endif %}
    database,
)
from app.auth.tokens import AccessClaims, read_access_token
from app.errors import Forbidden, NotFound, Unauthorized
from app.fields import PathId
from app.models import Post, User
from app.pages import PageParams
from app.posts import service as posts
from app.posts.schemas import PostRead
from app.settings import Settings
from app.users import service as users
from app.users.schemas import UserPublic, UserRead

read_bearer = OAuth2PasswordBearer(tokenUrl="auth/token", auto_error=False)

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


async def get_claims(
    connection: HTTPConnection, token: Annotated[str | None, Depends(read_bearer)]
) -> AccessClaims | None:
    """Return what the token says, or nothing where none was sent; a bad one is refused even where none is needed."""
    return None if token is None else read_access_token(token, await get_app_settings(connection))


ClaimsDep = Annotated[AccessClaims | None, Depends(get_claims)]


def load_user(db: Session, claims: AccessClaims) -> User:
    """Return the user of a token; raises `Unauthorized` when they are gone, deactivated or have ended their sessions."""
    with database.reading(db):
        user = users.find_by_id(db, claims.user_id)
    if user is None or not user.is_active or user.token_version != claims.version:
        raise Unauthorized("Invalid or expired token")
    return user


def get_current_user(db: SessionDep, claims: ClaimsDep) -> User:
    if claims is None:
        raise Unauthorized
    return load_user(db, claims)


def get_optional_user(db: SessionDep, claims: ClaimsDep) -> User | None:
    return None if claims is None else load_user(db, claims)


CurrentUser = Annotated[User, Depends(get_current_user)]
OptionalUser = Annotated[User | None, Depends(get_optional_user)]


def get_admin(user: CurrentUser) -> User:
    if not user.is_admin:
        raise Forbidden("Only an admin may do this")
    return user


AdminUser = Annotated[User, Depends(get_admin)]


def get_existing_user(user_id: PathId, db: SessionDep) -> User:
    with database.reading(db):
        user = db.get(User, user_id)
    if user is None:
        raise NotFound("User not found")
    return user


ExistingUser = Annotated[User, Depends(get_existing_user)]


def get_editable_user(actor: CurrentUser, user: ExistingUser) -> User:
    if not (actor.is_admin or actor is user):
        raise Forbidden("Only the user or an admin may do this")
    return user


EditableUser = Annotated[User, Depends(get_editable_user)]


# {% if cookiecutter.use_redis %}
@cache.cached(User, UserRead)
# {% endif %}
def load_shown_user(user_id: PathId, db: SessionDep) -> UserRead | None:
    """Return the user as they see themselves, whoever asks."""
    with database.reading(db):
        return users.read_user(db, user_id)


def get_shown_user(
    viewer: CurrentUser, shown: Annotated[UserRead | None, Depends(load_shown_user)]
) -> UserRead | UserPublic:
    """Return what the viewer may know: the e-mail address and the role are for the user and admins only."""
    if shown is None:
        raise NotFound("User not found")
    return shown if viewer.is_admin or viewer.id == shown.id else UserPublic.model_validate(shown.model_dump())


ShownUser = Annotated[UserRead | UserPublic, Depends(get_shown_user)]


# {% if cookiecutter.use_redis %}
@cache.cached(Post, PostRead, keep=posts.is_published)
# {% endif %}
def load_shown_post(post_id: PathId, db: SessionDep) -> PostRead | None:
    """Return the post, whoever asks."""
    with database.reading(db):
        return posts.read_post(db, post_id)


def get_visible_post(viewer: OptionalUser, shown: Annotated[PostRead | None, Depends(load_shown_post)]) -> PostRead:
    if shown is None or not posts.is_visible(shown, viewer):
        raise NotFound("Post not found")
    return shown


VisiblePost = Annotated[PostRead, Depends(get_visible_post)]


def get_editable_post(post_id: PathId, actor: CurrentUser, db: SessionDep) -> Post:
    with database.reading(db):
        post = posts.find_undeleted_post(db, post_id)
    if post is None:
        raise NotFound("Post not found")
    if not (actor.is_admin or post.author_id == actor.id):
        raise Forbidden("Only the author or an admin may do this")
    return post


EditablePost = Annotated[Post, Depends(get_editable_post)]
