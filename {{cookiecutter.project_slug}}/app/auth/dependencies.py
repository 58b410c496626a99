"""Who the caller is."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from app.api.dependencies import get_app_settings
from app.api.errors import Forbidden, Unauthorized
from app.auth import accounts
from app.auth.tokens import AccessClaims, read_access_token
from app.database import SessionDep, reading
from app.models import User

read_bearer = OAuth2PasswordBearer(tokenUrl="auth/token", auto_error=False)


async def get_claims(
    connection: HTTPConnection, token: Annotated[str | None, Depends(read_bearer)]
) -> AccessClaims | None:
    """Return what the token says, or nothing where none was sent; a bad one is refused even where none is needed."""
    return None if token is None else read_access_token(token, await get_app_settings(connection))


ClaimsDep = Annotated[AccessClaims | None, Depends(get_claims)]


def load_user(db: Session, claims: AccessClaims) -> User:
    """Return the user of a token; raises `Unauthorized` when they are gone, deactivated or have ended their sessions."""
    with reading(db):
        user = accounts.find_by_id(db, claims.user_id)
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
