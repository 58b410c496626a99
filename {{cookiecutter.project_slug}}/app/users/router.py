"""Routes to users."""

from fastapi import APIRouter, status

from app.api.dependencies import HashingLimit, PageDep
from app.api.errors import documented
from app.api.pagination import Page, Slice
from app.api.routing import OneHopRoute
from app.auth import accounts
from app.auth.dependencies import AdminUser, CurrentUser
from app.auth.schemas import UserPublic, UserRead
from app.database import SessionDep
from app.models import User
from app.rate_limiting.limiter import RateLimiterDep
from app.users import service
from app.users.dependencies import EditableUser, ShownUser
from app.users.schemas import PasswordChange, ProfileUpdate, UserCreate, UserUpdate

router = APIRouter(prefix="/users", tags=["users"], route_class=OneHopRoute)


@router.get("/me", response_model=UserRead, responses=documented(401))
def read_me(user: CurrentUser) -> User:
    return user


@router.patch("/me", response_model=UserRead, responses=documented(401, 409, 413, 429))
def update_me(data: ProfileUpdate, user: CurrentUser, db: SessionDep, limiter: RateLimiterDep) -> User:
    return service.update_user(db, user, user, data.model_dump(exclude_unset=True), limiter)


@router.delete("/me", status_code=status.HTTP_204_NO_CONTENT, responses=documented(401, 409))
def delete_me(user: CurrentUser, db: SessionDep) -> None:
    service.delete_user(db, user)


@router.put(
    "/me/password",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[HashingLimit],
    responses=documented(401, 403, 413, 429),
)
def change_my_password(data: PasswordChange, user: CurrentUser, db: SessionDep, limiter: RateLimiterDep) -> None:
    """Set a new password; every session and access token ends, this one too."""
    limiter.attempt("password-change", str(user.id))
    service.change_password(db, user, data.current_password, data.new_password)


@router.get("", response_model=Page[UserRead], responses=documented(401, 403))
def list_users(_admin: AdminUser, params: PageDep, db: SessionDep) -> Slice[User]:
    return service.list_users(db, params)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=UserRead,
    dependencies=[HashingLimit],
    responses=documented(401, 403, 409, 413),
)
def create_user(data: UserCreate, _admin: AdminUser, db: SessionDep) -> User:
    return accounts.create_user(db, data, role=data.role, is_active=data.is_active)


@router.get("/{user_id}", responses=documented(401, 404))
def read_user(user: ShownUser) -> UserRead | UserPublic:
    """The e-mail address and the role are for the user and admins only."""
    return user


@router.patch("/{user_id}", response_model=UserRead, responses=documented(401, 403, 404, 409, 413, 429))
def update_user(
    data: UserUpdate, user: EditableUser, actor: CurrentUser, db: SessionDep, limiter: RateLimiterDep
) -> User:
    return service.update_user(db, actor, user, data.model_dump(exclude_unset=True), limiter)


@router.delete("/{user_id}", status_code=status.HTTP_204_NO_CONTENT, responses=documented(401, 403, 404, 409))
def delete_user(user: EditableUser, db: SessionDep) -> None:
    service.delete_user(db, user)
