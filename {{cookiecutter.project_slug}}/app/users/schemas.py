"""What is sent and received about users."""

from typing import Annotated

from pydantic import BaseModel, Field, StrictBool

from app.api.fields import Email, Name, Password, Secret
from app.auth.schemas import UserRegister
from app.models import Role


class UserCreate(UserRegister):
    """What an admin gives."""

    role: Role = Role.USER
    is_active: StrictBool = True


class ProfileUpdate(BaseModel):
    """What one may change about oneself; a field that is not sent stays."""

    email: Annotated[Email, Field(default_factory=str)]
    name: Annotated[Name, Field(default_factory=str)]


class UserUpdate(ProfileUpdate):
    """What may be changed about a user; `role` and `is_active` by admins only."""

    role: Annotated[Role, Field(default_factory=lambda: Role.USER)]
    is_active: Annotated[StrictBool, Field(default_factory=bool)]


class PasswordChange(BaseModel):
    """The old password proves that it is still the same person."""

    current_password: Secret
    new_password: Password
