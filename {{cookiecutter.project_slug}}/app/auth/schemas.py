"""What is sent and received to log in."""

from typing import Literal

from pydantic import BaseModel

from app.fields import Email, Secret


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
