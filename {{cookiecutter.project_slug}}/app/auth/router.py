"""Routes to register, log in, stay logged in and log out."""

from typing import Annotated

from fastapi import APIRouter, Depends, status
from fastapi.security import OAuth2PasswordRequestForm

from app.auth import service
from app.auth.schemas import Credentials, RefreshRequest, TokenPair
from app.dependencies import SessionDep, SettingsDep
from app.errors import documented
from app.models import User
from app.routing import HashingRoute, OneHopRoute
from app.users.schemas import UserRead, UserRegister

router = APIRouter(prefix="/auth", tags=["auth"], route_class=OneHopRoute)
hashing = APIRouter(prefix="/auth", tags=["auth"], route_class=HashingRoute)


@hashing.post("/register", status_code=status.HTTP_201_CREATED, response_model=UserRead, responses=documented(409))
def register(data: UserRegister, db: SessionDep) -> User:
    return service.register(db, data)


@hashing.post("/login", responses=documented(401))
def log_in(credentials: Credentials, db: SessionDep, settings: SettingsDep) -> TokenPair:
    return service.log_in(db, credentials.email, credentials.password, settings)


@hashing.post("/token", responses=documented(401))
def log_in_with_form(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], db: SessionDep, settings: SettingsDep
) -> TokenPair:
    """The same as `/auth/login`, in the form that the Authorize button of `/docs` sends; `username` is the e-mail."""
    return service.log_in(db, form.username, form.password, settings)


@router.post("/refresh", responses=documented(401))
def refresh(data: RefreshRequest, db: SessionDep, settings: SettingsDep) -> TokenPair:
    """Exchange a refresh token for a new pair; using one twice ends its session."""
    return service.refresh(db, data.refresh_token, settings)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
def log_out(data: RefreshRequest, db: SessionDep) -> None:
    service.log_out(db, data.refresh_token)
