"""`async def` endpoints and WebSockets: who calls them, and that no connection to the database is held while they await."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from sqlalchemy import select
from sqlalchemy.pool import QueuePool
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from app.api.errors import Conflict, install_handlers
from app.api.routing import OneHopRoute
from app.auth.dependencies import AdminUser, CurrentUser, OptionalUser
from app.database import SessionDep, SessionLocal, engine
from app.database.commits import later
from app.models import Post, Role, User
from app.posts.dependencies import EditablePost, VisiblePost
from app.rate_limiting.limiter import RateLimiterDep, install_rate_limits
from app.settings import Settings
from app.users.dependencies import EditableUser, ExistingUser, ShownUser
from tests.committed import add_users
from tests.listening import listening

router = APIRouter(route_class=OneHopRoute)


def connections_in_use() -> int:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


def rename_all(db: SessionDep) -> None:
    for user in db.scalars(select(User)):
        user.name = "Renamed"
    db.flush()


@router.get("/held/{user_id}/{post_id}")
async def count_held(
    caller: CurrentUser,
    viewer: OptionalUser,
    admin: AdminUser,
    user: ExistingUser,
    editable: EditableUser,
    shown: ShownUser,
    post: VisiblePost,
    editable_post: EditablePost,
) -> dict[str, Any]:
    return {"held": connections_in_use(), "names": [caller.name, user.name, editable_post.title]}


@router.post("/rename")
async def rename(caller: CurrentUser) -> None:
    caller.name = "Renamed"


@router.post("/rename-and-fail")
async def rename_and_fail(renamed: Annotated[None, Depends(rename_all)], caller: CurrentUser) -> None:
    raise Conflict("not today")


@router.websocket("/echo")
async def echo(websocket: WebSocket, caller: CurrentUser, limiter: RateLimiterDep) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        if text.startswith("fail"):
            raise Conflict(text)
        await websocket.send_json([connections_in_use(), caller.email, text])


@router.websocket("/public")
async def greet(websocket: WebSocket, viewer: OptionalUser) -> None:
    await websocket.accept()
    await websocket.send_text(viewer.email if viewer else "anybody")
    await websocket.close()


@router.websocket("/later")
async def do_later(websocket: WebSocket, db: SessionDep) -> None:
    await websocket.accept()
    later(db, done.append, "done")


done: list[str] = []


@pytest.fixture
def awaiting(settings: Settings) -> FastAPI:
    app = FastAPI()
    app.state.settings = settings
    install_rate_limits(app)
    install_handlers(app)
    app.include_router(router)
    return app


@pytest.fixture
def client(awaiting: FastAPI, server: TestClient) -> Iterator[TestClient]:
    with TestClient(awaiting) as client:
        yield client


@pytest.fixture
def headers(server: TestClient, settings: Settings) -> dict[str, str]:
    (headers,) = add_users(settings, "user@example.com", role=Role.ADMIN)
    return headers


def name_of_the_user() -> str:
    with SessionLocal() as db:
        return db.scalars(select(User.name)).one()


class TestAsyncEndpoint:
    def test_dependencies_that_read_hold_no_connection(self, client: TestClient, headers: dict[str, str]) -> None:
        with SessionLocal.begin() as db:
            post = Post(title="Title", body="", slug="slug", author=db.scalars(select(User)).one())
            db.add(post)
            db.flush()
            path = f"/held/{post.author_id}/{post.id}"
        held = connections_in_use()
        response = client.get(path, headers=headers)
        assert response.json() == {"held": held, "names": ["Name", "Name", "Title"]}

    def test_changes_to_the_caller_are_committed(self, client: TestClient, headers: dict[str, str]) -> None:
        assert client.post("/rename", headers=headers).status_code == 200
        assert name_of_the_user() == "Renamed"

    def test_what_a_dependency_wrote_is_rolled_back_with_the_endpoint(
        self, client: TestClient, headers: dict[str, str]
    ) -> None:
        assert client.post("/rename-and-fail", headers=headers).status_code == 409
        assert name_of_the_user() == "Name"


class TestWebSocket:
    def test_caller_is_known_and_no_connection_is_held(self, client: TestClient, headers: dict[str, str]) -> None:
        held = connections_in_use()
        with client.websocket_connect("/echo", headers=headers) as websocket:
            websocket.send_text("hello")
            assert websocket.receive_json() == [held, "user@example.com", "hello"]

    def test_optional_caller_may_be_missing(self, client: TestClient, headers: dict[str, str]) -> None:
        greetings = []
        for sent in (headers, {}):
            with client.websocket_connect("/public", headers=sent) as websocket:
                greetings.append(websocket.receive_text())
        assert greetings == ["user@example.com", "anybody"]

    def test_refusal_after_the_handshake_closes_it(self, client: TestClient, headers: dict[str, str]) -> None:
        with client.websocket_connect("/echo", headers=headers) as websocket:
            websocket.send_text("fail today")
            with pytest.raises(WebSocketDisconnect) as closed:
                websocket.receive_text()
        assert (closed.value.code, closed.value.reason) == (1008, "fail today")

    def test_work_for_later_is_done_at_once(self, client: TestClient) -> None:
        done.clear()
        with client.websocket_connect("/later"):
            pass
        assert done == ["done"]

    @pytest.mark.slow
    def test_server_refuses_the_handshake_and_closes_as_the_application_says(
        self, awaiting: FastAPI, headers: dict[str, str]
    ) -> None:
        with listening(awaiting) as (host, port):
            url = f"ws://{host}:{port}/echo"
            for sent in ({}, {"Authorization": "Bearer wrong"}):
                with pytest.raises(InvalidStatus) as refused, connect(url, additional_headers=sent):
                    pass
                assert refused.value.response.status_code == 401
                assert refused.value.response.headers["WWW-Authenticate"] == "Bearer"
            with connect(url, additional_headers=headers) as websocket:
                websocket.send("hello")
                assert '"user@example.com","hello"' in str(websocket.recv())
                # A reason has at most 123 bytes.
                websocket.send(f"fail {'ü' * 100}")
                with pytest.raises(ConnectionClosedError, match=r"1008 .* fail ü{59};"):
                    websocket.recv()
