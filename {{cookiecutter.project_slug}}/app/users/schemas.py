"""What is sent and received about users."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from app.fields import Email, Name, Password, Secret
from app.models import Role


class UserPublic(BaseModel):
    """What any user may know about another."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    created_at: datetime


class UserRead(UserPublic):
    """What the user and admins may know."""

    email: str
    role: Role
    is_active: bool
    email_verified_at: datetime | None
    updated_at: datetime


class UserRegister(BaseModel):
    """What a newcomer gives; a role is not among it."""

    email: Email
    name: Name
    password: Password

    @model_validator(mode="after")
    def refuse_email_as_password(self) -> Self:
        if self.password.lower() == self.email:
            raise ValueError("the password must not be the e-mail address")
        return self


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
