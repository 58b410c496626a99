"""The user that a path names, and what the caller may see or do."""

from typing import Annotated

from fastapi import Depends

from app.api.errors import Forbidden, NotFound
from app.api.fields import PathId
from app.auth.dependencies import CurrentUser
from app.auth.schemas import UserPublic, UserRead
from app.database import SessionDep, reading
from app.models import User
from app.users import service as users


def get_existing_user(user_id: PathId, db: SessionDep) -> User:
    with reading(db):
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


def get_shown_user(
    viewer: CurrentUser, shown: Annotated[UserRead | None, Depends(users.load_shown_user)]
) -> UserRead | UserPublic:
    """Return what the viewer may know: the e-mail address and the role are for the user and admins only."""
    if shown is None:
        raise NotFound("User not found")
    return shown if viewer.is_admin or viewer.id == shown.id else UserPublic.model_validate(shown.model_dump())


ShownUser = Annotated[UserRead | UserPublic, Depends(get_shown_user)]
