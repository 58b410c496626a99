"""What the sync and the async peer share: settings, schemas, tokens, passwords and statements."""

import hashlib
import os
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import uuid4

import jwt
from fastapi import HTTPException
from fastapi.security import OAuth2PasswordBearer
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.engine import make_url

from benchmarks.peers.tables import Post, PostStatus, RefreshToken, User, now

DATABASE_URL = os.environ["DATABASE_URL"]
SECRET_KEY = os.environ["SECRET_KEY"]
# As many connections as the bake has, all of them kept: an overflow would be opened and closed again and again.
POOL = {"pool_size": int(os.environ["POOL_SIZE"]), "max_overflow": 0}

MINUTES = 24 * 60
hasher = PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))
bearer = OAuth2PasswordBearer(tokenUrl="auth/login")
unauthorized = HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
not_found = HTTPException(404, "Post not found")
conflict = HTTPException(409, "A post with this slug already exists")


class Credentials(BaseModel):
    """What proves who somebody is."""

    email: EmailStr
    password: str


class TokenPair(BaseModel):
    """A new session."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = MINUTES * 60


class PostCreate(BaseModel):
    """A new post."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    body: Annotated[str, StringConstraints(min_length=1, max_length=16_000)]
    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]
    status: PostStatus = PostStatus.DRAFT


class PostRead(BaseModel):
    """A post as its readers see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    body: str
    slug: str
    status: PostStatus
    author_id: int
    created_at: datetime
    updated_at: datetime


class PageParams(BaseModel):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Annotated[int, Field(ge=0, le=10_000)] = 0


class Page(BaseModel):
    """A part of a list, and the length of the whole."""

    items: list[PostRead]
    total: int
    limit: int
    offset: int


def url(driver: str) -> str:
    return make_url(DATABASE_URL).set(drivername=driver).render_as_string(hide_password=False)


def claims_of(token: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token, SECRET_KEY, algorithms=["HS256"], options={"require": ["sub", "exp"]}
        )
    except jwt.InvalidTokenError:
        raise unauthorized from None
    return claims


def session_of(user: User) -> tuple[RefreshToken, TokenPair]:
    """Return the row and the answer of a login."""
    issued_at, text = now(), secrets.token_urlsafe(32)
    claims = {"sub": str(user.id), "type": "access", "iat": issued_at, "jti": uuid4().hex, "ver": user.token_version}
    access = jwt.encode({**claims, "exp": issued_at + timedelta(minutes=MINUTES)}, SECRET_KEY, algorithm="HS256")
    row = RefreshToken(
        user_id=user.id,
        family=uuid4().hex,
        version=user.token_version,
        token_hash=hashlib.sha256(text.encode()).hexdigest(),
        expires_at=issued_at + timedelta(days=30),
    )
    return row, TokenPair(access_token=access, refresh_token=text)


def is_visible(post: Post | None, viewer: User) -> bool:
    if post is None or post.deleted_at is not None:
        return False
    return post.status is PostStatus.PUBLISHED or viewer.role == "admin" or viewer.id == post.author_id


def page_of(viewer: User, params: PageParams) -> tuple[Select[int], Select[Post]]:
    """Return the statements that count what the viewer may see, and read a part of it."""
    visible = and_(Post.deleted_at.is_(None), or_(Post.status == PostStatus.PUBLISHED, Post.author_id == viewer.id))
    order = (Post.created_at.desc(), Post.id.desc())
    page = select(Post).where(visible).order_by(*order).limit(params.limit).offset(params.offset)
    return select(func.count()).select_from(Post).where(visible), page
