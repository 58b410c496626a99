"""Access tokens (signed, short-lived, not stored) and the text of all others (random, stored as a hash)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import jwt

from app.errors import Unauthorized
from app.models import User
from app.models.columns import now
from app.settings import Settings

ALGORITHM = "HS256"
ACCESS = "access"
CLAIMS = ("sub", "type", "iat", "exp", "jti", "ver")


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a valid access token says: whose it is, and which `User.token_version` it was issued for."""

    user_id: int
    version: int


def issue_access_token(user: User, settings: Settings) -> str:
    """Return an HS256 JWT that is good for `settings.access_token_minutes`."""
    issued_at = now()
    claims = {
        "sub": str(user.id),
        "type": ACCESS,
        "iat": issued_at,
        "exp": issued_at + timedelta(minutes=settings.access_token_minutes),
        "jti": uuid4().hex,
        "ver": user.token_version,
    }
    return jwt.encode(claims, settings.secret_key, algorithm=ALGORITHM)


def read_access_token(token: str, settings: Settings) -> AccessClaims:
    """Return what the token says; raises `Unauthorized` when it is forged, expired, incomplete or of another type."""
    try:
        claims = jwt.decode(token, settings.secret_key, algorithms=[ALGORITHM], options={"require": list(CLAIMS)})
        if claims["type"] != ACCESS:
            raise Unauthorized("Invalid or expired token")
        return AccessClaims(user_id=int(claims["sub"]), version=int(claims["ver"]))
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise Unauthorized("Invalid or expired token") from None


def new_opaque_token() -> str:
    """Return an unguessable text of 43 characters."""
    return secrets.token_urlsafe(32)


def hash_opaque_token(token: str) -> str:
    """Return what is stored; a fast hash is enough for a text nobody can guess."""
    return hashlib.sha256(token.encode()).hexdigest()
