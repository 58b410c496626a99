"""The ground the other tests stand on: what a test or a request writes is gone after the test, and nothing else is."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import String, delete, func, inspect, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.testclient import TestClient

from app.database import SessionLocal, engine
from app.dependencies import SessionDep
from app.errors import Conflict, SessionRevoked, install_handlers
from app.models import Post, RefreshToken, User
from app.routing import OneHopRoute
from tests.client import Client
from tests.factories import PostFactory, UserFactory

REGISTRATION = {"email": "new@example.com", "name": "New", "password": "Password1"}
router = APIRouter(route_class=OneHopRoute)


class Tables(DeclarativeBase):
    """Tables of these tests alone."""


class Seat(Tables):
    """Two columns are its key, neither called `id`, and the attribute of one is not called as its column."""

    __tablename__ = "seats_of_tests"

    event: Mapped[str] = mapped_column("event_code", String(20), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guest: Mapped[str] = mapped_column(String(20))


def count(db: Session, model: type[User | Post | RefreshToken]) -> int:
    return db.scalar(select(func.count()).select_from(model)) or 0


def rename_all(db: Session) -> None:
    for user in db.scalars(select(User)):
        user.name = "Renamed"
    db.flush()


@router.post("/fail")
def fail(db: SessionDep) -> None:
    rename_all(db)
    raise Conflict("not today")


@router.post("/fail-and-keep")
def fail_and_keep(db: SessionDep) -> None:
    rename_all(db)
    raise SessionRevoked


@router.post("/commit-and-fail")
def commit_and_fail(db: SessionDep) -> None:
    rename_all(db)
    db.commit()
    raise Conflict("not today")


@router.post("/savepoint")
def undo_savepoint(db: SessionDep) -> None:
    rename_all(db)
    savepoint = db.begin_nested()
    db.add(UserFactory.build(email="undone@example.com"))
    db.flush()
    savepoint.rollback()


@router.post("/seats")
def change_seats(db: SessionDep) -> None:
    db.execute(delete(Seat).where(Seat.number == 1))
    db.execute(update(Seat).values(guest="Changed"))


@pytest.fixture(scope="module")
def seats(schema: None) -> Iterator[None]:
    Tables.metadata.create_all(engine)
    yield
    Tables.metadata.drop_all(engine)


@pytest.fixture(scope="module")
def failing() -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router)
    install_handlers(app)
    with TestClient(app) as client:
        yield client


@pytest.fixture
def failing_client(failing: TestClient, db: Session) -> Client:
    return Client(failing, db)


class TestTransactionPerTest:
    """Tests that each need an empty table: whichever comes second sees whether the first was undone."""

    @pytest.mark.parametrize("turn", ["first", "second"])
    def test_a_commit_is_undone_after_the_test(self, db: Session, turn: str) -> None:
        assert count(db, User) == 0
        UserFactory()
        db.commit()
        assert count(db, User) == 1

    @pytest.mark.parametrize("turn", ["first", "second"])
    def test_a_requests_commit_is_undone_after_the_test(self, anon_client: Client, db: Session, turn: str) -> None:
        assert count(db, User) == 0
        assert anon_client.post("/auth/register", json=REGISTRATION).status_code == 201
        assert count(db, User) == 1

    @pytest.mark.parametrize("turn", ["first", "second"])
    def test_a_session_of_the_application_is_undone_after_the_test(self, db: Session, turn: str) -> None:
        assert count(db, User) == 0
        with SessionLocal.begin() as session:
            session.add(UserFactory.build())
        assert count(db, User) == 1

    def test_nobody_else_sees_what_a_test_commits(self, anon_client: Client, db: Session) -> None:
        anon_client.post("/auth/register", json=REGISTRATION)
        db.commit()
        with Session(engine) as elsewhere:
            assert count(elsewhere, User) == 0


class TestSavepointPerRequest:
    def test_a_refused_request_undoes_its_own_writes_and_nothing_else(
        self, failing_client: Client, db: Session, user: User
    ) -> None:
        assert failing_client.post("/fail").status_code == 409
        assert user.name == "User"
        assert count(db, User) == 1

    def test_a_refusal_that_keeps_its_changes_is_committed(self, failing_client: Client, user: User) -> None:
        assert failing_client.post("/fail-and-keep").status_code == 401
        assert user.name == "Renamed"

    def test_what_a_request_committed_itself_stays_when_it_fails_later(
        self, failing_client: Client, user: User
    ) -> None:
        assert failing_client.post("/commit-and-fail").status_code == 409
        assert user.name == "Renamed"

    def test_a_savepoint_within_a_request_is_undone_alone(
        self, failing_client: Client, db: Session, user: User
    ) -> None:
        assert failing_client.post("/savepoint").status_code == 200
        assert user.name == "Renamed"
        assert count(db, User) == 1

    def test_a_rollback_of_the_test_undoes_requests_too(self, anon_client: Client, db: Session) -> None:
        db.commit()
        UserFactory()
        anon_client.post("/auth/register", json=REGISTRATION)
        db.rollback()
        assert count(db, User) == 0


class TestObjectsOfTheTest:
    def test_they_show_what_a_request_changed(self, client: Client, db: Session, user: User) -> None:
        post = PostFactory(author=user)
        client.patch(f"/posts/{post.id}", json={"title": "Changed"})
        assert post.title == "Changed"
        assert inspect(post).session is db
        assert inspect(user).session is db

    def test_a_request_sees_what_the_test_changed_without_a_flush(self, client: Client, user: User) -> None:
        user.name = "Changed"
        assert client.get("/users/me").json()["name"] == "Changed"

    def test_one_that_a_request_deleted_keeps_its_values(self, client: Client, db: Session, user: User) -> None:
        post = PostFactory(author=user, title="Gone")
        assert client.delete("/users/me").status_code == 204
        assert db.get(User, user.id) is None
        assert db.get(Post, post.id) is None
        assert (user.email, post.title) == ("user@example.com", "Gone")

    def test_they_are_known_by_whatever_their_key_is(self, seats: None, failing_client: Client, db: Session) -> None:
        gone, left = (Seat(event="opening", number=number, guest="Guest") for number in (1, 2))
        db.add_all([gone, left])
        assert failing_client.post("/seats").status_code == 200
        assert (inspect(gone).session, gone.guest) == (None, "Guest")
        assert (inspect(left).session, left.guest) == (db, "Changed")
