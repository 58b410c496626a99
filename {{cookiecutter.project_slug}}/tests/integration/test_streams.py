"""Responses that are still being sent when the request's session is closed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from starlette.testclient import TestClient

from app.api.routing import OneHopRoute
from app.auth.dependencies import CurrentUser
from app.database import SessionDep, SessionLocal, engine
from app.models import Post, User
from app.settings import Settings
from tests.committed import add_users

PAGE = 2


def select_while_sending(db: Session) -> Iterator[str]:
    yield from db.scalars(select(User.email))


def write_while_sending(db: Session) -> Iterator[str]:
    db.add(User(email="late@example.com", name="Late", password_hash=""))
    yield "added"
    db.commit()
    yield "committed"


def titles(author_id: int) -> Iterator[str]:
    """Read a page at a time, as docs/async.md shows it."""
    last = 0
    while True:
        with SessionLocal() as db:
            query = select(Post.id, Post.title).where(Post.author_id == author_id, Post.id > last).order_by(Post.id)
            page = db.execute(query.limit(PAGE)).all()
        if not page:
            return
        last = page[-1].id
        yield "".join(f"{title}\n" for _, title in page)


def connections_in_use() -> int:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


def serve(app: FastAPI, route: Callable[..., Any], **options: Any) -> TestClient:
    router = APIRouter(**options)
    router.add_api_route("/stream", route)
    streaming = FastAPI()
    streaming.state.settings = app.state.settings
    streaming.include_router(router)
    return TestClient(streaming)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("options", [{}, {"route_class": OneHopRoute}], ids=["plain route", "one-hop route"])
class TestSessionOfTheRequest:
    @pytest.mark.parametrize("stream", [select_while_sending, write_while_sending])
    def test_stream_that_uses_it_fails_and_holds_no_connection(
        self, app: FastAPI, settings: Settings, stream: Callable[[Session], Iterator[str]], options: dict[str, Any]
    ) -> None:
        def send(db: SessionDep) -> StreamingResponse:
            return StreamingResponse(stream(db))

        add_users(settings, "first@example.com", "second@example.com")
        held = connections_in_use()
        with pytest.raises(InvalidRequestError, match="permanently closed"):
            serve(app, send, **options).get("/stream")
        assert connections_in_use() == held

    def test_background_task_that_uses_it_fails_and_holds_no_connection(
        self, app: FastAPI, options: dict[str, Any]
    ) -> None:
        def answer(db: SessionDep, background: BackgroundTasks) -> None:
            background.add_task(db.scalar, select(User.id))

        held = connections_in_use()
        with pytest.raises(InvalidRequestError, match="permanently closed"):
            serve(app, answer, **options).get("/stream")
        assert connections_in_use() == held


@pytest.mark.usefixtures("server")
def test_stream_with_sessions_of_its_own_holds_no_connection_while_sending(app: FastAPI, settings: Settings) -> None:
    in_use: list[int] = []

    def send(user: CurrentUser) -> StreamingResponse:
        def watched() -> Iterator[str]:
            for text in titles(user.id):
                in_use.append(connections_in_use())
                yield text

        return StreamingResponse(watched(), media_type="text/plain")

    (headers,) = add_users(settings, "author@example.com")
    with SessionLocal.begin() as db:
        author = db.scalars(select(User)).one()
        db.add_all(Post(title=f"Title {n}", body="", slug=f"slug-{n}", author=author) for n in range(5))
    held = connections_in_use()
    response = serve(app, send, route_class=OneHopRoute).get("/stream", headers=headers)
    assert response.text.splitlines() == [f"Title {n}" for n in range(5)]
    assert in_use == [held] * 3
