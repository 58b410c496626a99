"""Access tokens (signed, short-lived, not stored) and the text of all others (random, stored as a hash)."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt

from app.api.errors import Unauthorized
from app.api.fields import LARGEST_ID
from app.models import User
from app.models.columns import now
from app.settings import Settings

ALGORITHM = "HS256"
ACCESS = "access"
CLAIMS = ("sub", "type", "iat", "exp", "jti", "ver")
# How far the clocks of two servers may be apart.
LEEWAY_SECONDS = 10
# As it is issued: `int` would also take spaces, underscores and the digits of other scripts.
SUBJECT = re.compile("[1-9][0-9]{0,18}")


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
    return jwt.encode(claims, settings.secret_key.get_secret_value(), algorithm=ALGORITHM)


def read_access_token(token: str, settings: Settings) -> AccessClaims:
    """Return what the token says; raises `Unauthorized` when it is forged, expired, incomplete or of another type."""
    try:
        claims = verified_claims(token, settings)
    except jwt.InvalidTokenError:
        raise Unauthorized("Invalid or expired token") from None
    subject, version = claims["sub"], claims["ver"]
    if not (claims["type"] == ACCESS and is_id(subject) and type(version) is int):
        raise Unauthorized("Invalid or expired token")
    return AccessClaims(user_id=int(subject), version=version)


def verified_claims(token: str, settings: Settings) -> dict[str, Any]:
    """Return the claims of a token that the key of the settings signed, or one before it that is still taken."""
    for secret in (settings.secret_key, *settings.secret_key_fallbacks):
        key = secret.get_secret_value()
        try:
            return jwt.decode(
                token, key, algorithms=[ALGORITHM], leeway=LEEWAY_SECONDS, options={"require": list(CLAIMS)}
            )
        except jwt.InvalidSignatureError:
            continue
    raise jwt.InvalidSignatureError


def is_id(text: str) -> bool:
    return SUBJECT.fullmatch(text) is not None and int(text) <= LARGEST_ID


def new_opaque_token() -> str:
    """Return an unguessable text of 43 characters."""
    return secrets.token_urlsafe(32)


def hash_opaque_token(token: str) -> str:
    """Return what is stored; a fast hash is enough for a text nobody can guess."""
    return hashlib.sha256(token.encode()).hexdigest()
