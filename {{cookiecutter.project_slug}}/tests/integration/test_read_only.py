"""`GET` and `HEAD` requests read without a transaction to begin or to roll back, and are refused to write."""

from collections.abc import Callable
from contextlib import closing

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from sqlalchemy import delete, func, insert, select, text, union_all, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.api.errors import install_handlers
from app.api.routing import OneHopRoute
from app.database import ReadOnlyError, ReadSession, SessionDep, SessionLocal, engine
from app.models import Post, User
from app.models.columns import now
from app.settings import Settings
from tests.client import Client
from tests.committed import add_users

NEW = {"email": "new@example.com", "name": "New", "password_hash": "-", "created_at": now(), "updated_at": now()}
USER = select(User).limit(1)
Work = Callable[[Session], object]


def change(db: Session) -> None:
    db.scalars(USER).one().name += " changed"


def flush_change(db: Session) -> None:
    change(db)
    db.flush()


READS: dict[str, Work] = {
    "get": lambda db: db.get(User, 1),
    "lazy load": lambda db: db.scalars(USER).one().posts,
    "union": lambda db: db.scalars(union_all(select(User.id), select(Post.id))).all(),
    "function": lambda db: db.scalar(select(func.lower("A"))),
    "text": lambda db: db.execute(text("SELECT count(*) FROM users").columns()).scalar(),
}
OBJECTS, STATEMENT, LOCK = "changes User.", "executes something other than a select()", "locks rows."
WRITES: dict[str, tuple[Work, str]] = {
    "add": (lambda db: db.add(User(**NEW)), OBJECTS),
    "change": (change, OBJECTS),
    "flush": (flush_change, OBJECTS),
    "delete": (lambda db: db.delete(db.scalars(USER).one()), OBJECTS),
    "INSERT": (lambda db: db.execute(insert(User).values(NEW)), STATEMENT),
    "UPDATE": (lambda db: db.execute(update(User).values(name="New")), STATEMENT),
    "DELETE": (lambda db: db.execute(delete(User)), STATEMENT),
    "text": (lambda db: db.execute(text("UPDATE users SET name = 'New'")), STATEMENT),
    "FOR UPDATE": (lambda db: db.execute(USER.with_for_update()), LOCK),
    "get FOR UPDATE": (lambda db: db.get(User, 1, with_for_update=True), LOCK),
}


def serve(work: Work) -> TestClient:
    """Return a client of an application that does the work, whatever the method, and over a WebSocket."""

    def endpoint(db: SessionDep) -> None:
        work(db)

    async def answer(websocket: WebSocket, db: SessionDep) -> None:
        work(db)
        await websocket.accept()
        await websocket.close()

    router = APIRouter(route_class=OneHopRoute)
    router.add_api_route("/work", endpoint, methods=["GET", "HEAD", "POST"])
    router.add_api_websocket_route("/work", answer)
    app = FastAPI()
    install_handlers(app)
    app.include_router(router)
    return TestClient(app)


def names() -> list[str]:
    with SessionLocal() as db:
        return list(db.scalars(select(User.name)))


@pytest.fixture
def name(server: TestClient, settings: Settings) -> str:
    """The name of the one user, who is committed."""
    add_users(settings, "user@example.com")
    return "Name"


class TestReadOnlyRequest:
    @pytest.mark.parametrize("read", READS.values(), ids=READS)
    def test_reads(self, name: str, read: Work) -> None:
        assert serve(read).get("/work").status_code == 200

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize(("write", "what"), WRITES.values(), ids=WRITES)
    def test_is_refused_to_write_and_commits_nothing(self, name: str, method: str, write: Work, what: str) -> None:
        with pytest.raises(ReadOnlyError) as error:
            serve(write).request(method, "/work")
        assert str(error.value).startswith(f"GET and HEAD requests are read-only, but this one {what}")
        assert "Make it a POST" in str(error.value)
        assert names() == [name]

    def test_tells_the_client_of_an_internal_error_alone(self, db: Session, user: User) -> None:
        client = Client(serve(change), db, raise_server_exceptions=False)
        response = client.get("/work")
        assert (response.status_code, response.json()) == (500, {"detail": "Internal server error"})
        assert user.name == "User"

    def test_leaves_a_connection_whose_next_user_has_transactions(self, name: str) -> None:
        engine.dispose()
        with ReadSession(**SessionLocal.kw) as db:
            used = db.connection().connection.driver_connection
            db.scalars(USER).one()
        with SessionLocal() as db:
            db.execute(update(User).values(name="New"))
            assert db.connection().connection.driver_connection is used
        assert names() == [name]


class TestOtherRequests:
    def test_post_writes(self, name: str) -> None:
        assert serve(change).post("/work").status_code == 200
        assert names() == ["Name changed"]

    def test_websocket_writes(self, name: str) -> None:
        with serve(change).websocket_connect("/work"):
            pass
        assert names() == ["Name changed"]


def test_connection_given_back_within_a_transaction_is_rolled_back(name: str) -> None:
    # The next user of the pool has the same connection, and would commit what it was left.
    engine.dispose()
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("UPDATE users SET name = 'Changed'")
    with closing(engine.raw_connection()) as connection:
        connection.commit()
    assert names() == [name]
