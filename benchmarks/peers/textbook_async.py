"""The textbook async design: asyncpg and `AsyncSession`, `async def` all through."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.peers import common
from benchmarks.peers.common import Credentials, Page, PageParams, PostCreate, PostRead, TokenPair
from benchmarks.peers.tables import Post, User

app = FastAPI()
engine = create_async_engine(common.url("postgresql+asyncpg"), **common.POOL)
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)


async def get_db() -> AsyncIterator[AsyncSession]:
    async with SessionLocal() as db:
        yield db


SessionDep = Annotated[AsyncSession, Depends(get_db)]


async def get_current_user(db: SessionDep, token: Annotated[str, Depends(common.bearer)]) -> User:
    user = await db.get(User, int(common.claims_of(token)["sub"]))
    if user is None or not user.is_active:
        raise common.unauthorized
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/auth/login")
async def log_in(credentials: Credentials, db: SessionDep) -> TokenPair:
    user = await db.scalar(select(User).where(User.email == credentials.email))
    if user is None or not common.hasher.verify(credentials.password, user.password_hash):
        raise common.unauthorized
    row, answer = common.session_of(user)
    db.add(row)
    await db.commit()
    return answer


@app.get("/posts", response_model=Page)
async def list_posts(params: Annotated[PageParams, Query()], viewer: CurrentUser, db: SessionDep) -> dict[str, Any]:
    count, page = common.page_of(viewer, params)
    return {"items": (await db.scalars(page)).all(), "total": await db.scalar(count), **params.model_dump()}


@app.post("/posts", status_code=201, response_model=PostRead)
async def create_post(data: PostCreate, author: CurrentUser, db: SessionDep) -> Post:
    post = Post(**data.model_dump(), author_id=author.id)
    db.add(post)
    try:
        await db.commit()
    except IntegrityError:
        raise common.conflict from None
    return post


@app.get("/posts/{post_id}", response_model=PostRead)
async def read_post(post_id: int, viewer: CurrentUser, db: SessionDep) -> Post:
    post = await db.get(Post, post_id)
    if post is None or not common.is_visible(post, viewer):
        raise common.not_found
    return post
