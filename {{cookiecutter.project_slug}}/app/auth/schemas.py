"""What is sent and received to log in."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.api.fields import Email, Name, Password, Secret
from app.models import Role

SessionId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$"), Path()]


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


class Credentials(BaseModel):
    """What proves who somebody is."""

    email: Email
    password: Secret


class RefreshRequest(BaseModel):
    """The text of a refresh token."""

    refresh_token: Secret


class TokenPair(BaseModel):
    """A new session, or the next step of one; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int


class SessionRead(BaseModel):
    """A session of the caller: when and with what it began, when it was last renewed and how long that is good for."""

    model_config = ConfigDict(from_attributes=True)

    id: Annotated[str, Field(validation_alias="family")]
    user_agent: str | None
    started_at: datetime
    last_used_at: Annotated[datetime, Field(validation_alias="created_at")]
    expires_at: datetime


class EmailRequest(BaseModel):
    """Whose password is lost."""

    email: Email


class OneTimeTokenRequest(BaseModel):
    """The text of a mailed token."""

    token: Secret


class PasswordReset(OneTimeTokenRequest):
    """The text of a mailed token, and the password to be."""

    password: Password
