"""What a client is told when something goes wrong: enough, and nothing of what is inside."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.api.errors import BadRequest, Conflict, Forbidden, NotFound, ServiceUnavailable, Unauthorized, install_handlers
from app.api.routing import OneHopRoute
from app.auth.tokens import issue_access_token
from app.database import SessionDep, SessionLocal
from app.models import Post, PostStatus, RefreshToken, User
from app.posts.schemas import PostCreate
from app.posts.service import create_post, update_post
from app.settings import Settings
from tests.client import Client
from tests.factories import UserFactory
from tests.listening import listening

SECRET = "a secret of the program"
INTERNAL = {"detail": "Internal server error"}
router = APIRouter(route_class=OneHopRoute)


@router.post("/bug")
def run_into_a_bug(db: SessionDep) -> None:
    db.add(UserFactory.build(email="bug@example.com"))
    db.flush()
    raise RuntimeError(SECRET)


@router.post("/wrong-statement")
def ask_for_no_table(db: SessionDep) -> None:
    db.execute(text("SELECT * FROM nowhere"))


@router.post("/async-bug")
async def run_into_a_bug_on_the_loop() -> None:
    raise RuntimeError(SECRET)


@router.post("/answer")
def answer_what_was_not_promised() -> int:
    return SECRET  # type: ignore[return-value] # the point of it


@router.post("/unforeseen")
def write_for_nobody(db: SessionDep) -> None:
    db.add(UserFactory.build(email="unforeseen@example.com"))
    db.flush()
    db.add(Post(title="T", body=SECRET, slug="s", status=PostStatus.DRAFT, author_id=-1))
    db.flush()


@router.post("/unforeseen-at-commit")
def write_twice(db: SessionDep) -> None:
    db.add_all(UserFactory.build(email="same@example.com") for _ in range(2))


@router.post("/unforeseen-by-service")
def write_nothing_where_something_is_required(db: SessionDep) -> None:
    user = UserFactory.build(email="null@example.com")
    db.add(user)
    db.flush()
    update_post(db, create_post(db, user, PostCreate(title="T", body=SECRET, slug="s")), {"title": None})


@router.post("/refused/{name}")
def refuse(name: str) -> None:
    errors = (BadRequest, Conflict, Forbidden, NotFound, ServiceUnavailable, Unauthorized)
    raise {error.__name__: error for error in errors}[name]("A sentence")


@pytest.fixture(scope="module")
def failing() -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router)
    install_handlers(app)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def failing_client(failing: TestClient, db: Session) -> Client:
    return Client(failing, db, raise_server_exceptions=False)


@pytest.fixture
def sturdy_client(running: TestClient, db: Session, user: User, settings: Settings) -> Client:
    """The client of `user`, which gets an answer where the application raises."""
    return Client(running, db, issue_access_token(user, settings), raise_server_exceptions=False)


class TestBug:
    @pytest.mark.parametrize("path", ["/bug", "/wrong-statement", "/async-bug", "/answer"])
    def test_it_is_a_500_that_says_nothing_of_the_inside(self, failing_client: Client, db: Session, path: str) -> None:
        response = failing_client.post(path)
        assert (response.status_code, response.json()) == (500, INTERNAL)
        assert db.scalars(select(User)).all() == []

    def test_the_server_learns_of_it(self, failing: TestClient, db: Session) -> None:
        with pytest.raises(RuntimeError, match=SECRET):
            Client(failing, db).post("/bug")

    def test_the_next_request_is_served(self, failing_client: Client, db: Session) -> None:
        statuses = [failing_client.post(path).status_code for path in ("/bug", "/unforeseen", "/refused/NotFound")]
        assert statuses == [500, 500, 404]

    @pytest.mark.slow
    def test_a_client_that_keeps_its_connection_is_told_that_the_server_closes_it(self, failing: TestClient) -> None:
        assert isinstance(failing.app, FastAPI)
        with listening(failing.app) as address, closing(HTTPConnection(*address, timeout=10)) as client:
            for _ in range(2):
                client.request("POST", "/async-bug")
                answer = client.getresponse()
                assert (answer.status, json.load(answer)) == (500, INTERNAL)
                assert answer.getheader("Connection") == "close"


class TestRefusal:
    @pytest.mark.parametrize(
        ("name", "status"),
        [
            ("BadRequest", 400),
            ("Unauthorized", 401),
            ("Forbidden", 403),
            ("NotFound", 404),
            ("Conflict", 409),
            ("ServiceUnavailable", 503),
        ],
    )
    def test_it_has_its_status_and_its_sentence(self, failing_client: Client, name: str, status: int) -> None:
        response = failing_client.post(f"/refused/{name}")
        assert (response.status_code, response.json()) == (status, {"detail": "A sentence"})
        assert response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


class TestUnforeseenViolation:
    @pytest.mark.parametrize("path", ["/unforeseen", "/unforeseen-at-commit", "/unforeseen-by-service"])
    def test_it_is_a_bug_and_nothing_is_written(self, failing_client: Client, db: Session, path: str) -> None:
        response = failing_client.post(path)
        assert (response.status_code, response.json()) == (500, INTERNAL)
        assert db.scalars(select(User)).all() == []
        assert db.scalars(select(Post)).all() == []


class TestFailedCommit:
    @pytest.fixture(params=[IntegrityError, OperationalError])
    def failure(self, request: pytest.FixtureRequest, db: Session) -> Iterator[type[Exception]]:
        """Let the commits of the application fail."""

        def fail(session: Session) -> None:
            if session is not db:
                raise request.param(SECRET, None, Exception(SECRET))

        event.listen(SessionLocal, "before_commit", fail)
        yield request.param
        event.remove(SessionLocal, "before_commit", fail)

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", "/users/me", {"name": "New"}),
            ("DELETE", "/users/me", None),
            ("POST", "/posts", {"title": "New", "body": "New", "slug": "new"}),
            ("POST", "/auth/register", {"email": "new@example.com", "name": "New", "password": "Password2"}),
            ("POST", "/auth/login", {"email": "user@example.com", "password": "Password1"}),
        ],
    )
    def test_nobody_is_told_of_success(
        self,
        sturdy_client: Client,
        db: Session,
        user: User,
        failure: type[Exception],
        method: str,
        path: str,
        body: Any,
    ) -> None:
        response = sturdy_client.request(method, path, json=body)
        assert response.status_code == (500)
        assert SECRET not in response.text
        assert [found.name for found in db.scalars(select(User))] == ["User"]
        assert db.scalars(select(Post)).all() == []
        assert db.scalars(select(RefreshToken)).all() == []
