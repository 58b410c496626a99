"""The textbook sync design: `def` endpoints, and a session out of a generator that `Depends` is given."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from sqlalchemy import create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.peers import common
from benchmarks.peers.common import Credentials, Page, PageParams, PostCreate, PostRead, TokenPair
from benchmarks.peers.tables import Post, User

app = FastAPI()
engine = create_engine(common.url("postgresql+psycopg"), **common.POOL)
SessionLocal = sessionmaker(engine, expire_on_commit=False)


def get_db() -> Iterator[Session]:
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


SessionDep = Annotated[Session, Depends(get_db)]


def get_current_user(db: SessionDep, token: Annotated[str, Depends(common.bearer)]) -> User:
    user = db.get(User, int(common.claims_of(token)["sub"]))
    if user is None or not user.is_active:
        raise common.unauthorized
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


@app.get("/health/live")
def live() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/auth/login")
def log_in(credentials: Credentials, db: SessionDep) -> TokenPair:
    user = db.scalar(select(User).where(User.email == credentials.email))
    if user is None or not common.hasher.verify(credentials.password, user.password_hash):
        raise common.unauthorized
    row, answer = common.session_of(user)
    db.add(row)
    db.commit()
    return answer


@app.get("/posts", response_model=Page)
def list_posts(params: Annotated[PageParams, Query()], viewer: CurrentUser, db: SessionDep) -> dict[str, Any]:
    count, page = common.page_of(viewer, params)
    return {"items": db.scalars(page).all(), "total": db.scalar(count), **params.model_dump()}


@app.post("/posts", status_code=201, response_model=PostRead)
def create_post(data: PostCreate, author: CurrentUser, db: SessionDep) -> Post:
    post = Post(**data.model_dump(), author_id=author.id)
    db.add(post)
    try:
        db.commit()
    except IntegrityError:
        raise common.conflict from None
    return post


@app.get("/posts/{post_id}", response_model=PostRead)
def read_post(post_id: int, viewer: CurrentUser, db: SessionDep) -> Post:
    post = db.get(Post, post_id)
    if post is None or not common.is_visible(post, viewer):
        raise common.not_found
    return post
