"""Routes to register, log in, stay logged in and log out, here and everywhere."""

from typing import Annotated

from fastapi import APIRouter, Depends, status
from fastapi.security import OAuth2PasswordRequestForm

from app.api.dependencies import ExactPath, HashingLimit, PageDep, SettingsDep
from app.api.errors import documented
from app.api.fields import UserAgent
from app.api.pagination import Page, Slice
from app.api.routing import OneHopRoute
from app.auth import service, sessions
from app.auth.dependencies import CurrentUser
from app.auth.schemas import Credentials, RefreshRequest, SessionId, SessionRead, TokenPair, UserRead, UserRegister
from app.database import SessionDep
from app.models import RefreshToken, User
from app.rate_limiting.limiter import RateLimiterDep

router = APIRouter(prefix="/auth", tags=["auth"], route_class=OneHopRoute)


@router.post(
    "/register",
    status_code=status.HTTP_201_CREATED,
    response_model=UserRead,
    dependencies=[HashingLimit],
    responses=documented(409, 413, 429),
)
def register(data: UserRegister, db: SessionDep, limiter: RateLimiterDep) -> User:
    limiter.attempt("register", data.email)
    return service.register(db, data, limiter)


@router.post("/login", dependencies=[HashingLimit], responses=documented(401, 413, 429))
def log_in(
    credentials: Credentials,
    db: SessionDep,
    settings: SettingsDep,
    limiter: RateLimiterDep,
    user_agent: UserAgent = None,
) -> TokenPair:
    limiter.attempt("login", credentials.email)
    return service.log_in(db, credentials.email, credentials.password, settings, user_agent)


@router.post("/token", dependencies=[HashingLimit], responses=documented(401, 413, 429))
def log_in_with_form(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    db: SessionDep,
    settings: SettingsDep,
    limiter: RateLimiterDep,
    user_agent: UserAgent = None,
) -> TokenPair:
    """The same as `/auth/login`, in the form that the Authorize button of `/docs` sends; `username` is the e-mail."""
    limiter.attempt("login", form.username)
    return service.log_in(db, form.username, form.password, settings, user_agent)


@router.post("/refresh", responses=documented(401, 413, 429))
def refresh(data: RefreshRequest, db: SessionDep, settings: SettingsDep, limiter: RateLimiterDep) -> TokenPair:
    """Exchange a refresh token for a new pair; using one again, other than at once, ends its session."""
    # The token stands for the account: one that is good is another each time, and nobody guesses one.
    limiter.attempt("refresh", data.refresh_token)
    return service.refresh(db, data.refresh_token, settings)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, responses=documented(413))
def log_out(data: RefreshRequest, db: SessionDep) -> None:
    service.log_out(db, data.refresh_token)


@router.get("/sessions", response_model=Page[SessionRead], responses=documented(401))
def list_sessions(user: CurrentUser, params: PageDep, db: SessionDep) -> Slice[RefreshToken]:
    """The caller's sessions, the last used first."""
    return sessions.list_sessions(db, user, params)


@router.delete(
    "/sessions", status_code=status.HTTP_204_NO_CONTENT, dependencies=[ExactPath], responses=documented(401, 404)
)
def log_out_everywhere(user: CurrentUser, db: SessionDep) -> None:
    """End every session and access token of the caller, this one too."""
    sessions.end_all(db, user)


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT, responses=documented(401, 404))
def end_session(session_id: SessionId, user: CurrentUser, db: SessionDep) -> None:
    """End one session; an access token that it has is good for as long as it was."""
    sessions.end_one(db, user, session_id)
