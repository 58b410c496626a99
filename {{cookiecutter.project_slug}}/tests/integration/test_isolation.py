"""The ground the other tests stand on: what a test or a request writes is gone after the test, and nothing else is."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import String, delete, func, inspect, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.testclient import TestClient

from app.api.errors import Conflict, SessionRevoked, install_handlers
from app.api.routing import OneHopRoute
from app.database import SessionDep, SessionLocal, engine
from app.models import Post, RefreshToken, User
from tests.client import Client
from tests.factories import PostFactory, UserFactory
from tests.isolation import nothing_left, rolled_back

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


class TestBadTest:
    """One that breaks what the others stand on is one that fails, and the next is as good as ever."""

    def refuse(self, *_: object, **__: object) -> None:
        raise RuntimeError("no session")

    def leave_no_connection(self, db: Session) -> None:
        driver = db.connection().connection.driver_connection
        assert driver is not None
        driver.close()

    def check_that_the_next_is_isolated(self) -> None:
        with SessionLocal() as session:
            assert session.get_bind() is engine
            assert count(session, User) == 0
        with rolled_back() as db:
            UserFactory()
            assert count(db, User) == 1

    def test_a_set_up_that_fails_changes_nothing(self, schema: None, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(SessionLocal, "class_", self.refuse)
            with pytest.raises(RuntimeError, match="no session"), rolled_back():
                pass
        self.check_that_the_next_is_isolated()

    def test_a_connection_that_is_gone_is_not_the_next_ones(self, schema: None) -> None:
        with pytest.raises(DBAPIError), rolled_back() as db:
            self.leave_no_connection(db)
        self.check_that_the_next_is_isolated()

    def test_a_session_that_outlives_the_test_reaches_no_other(self, schema: None) -> None:
        with rolled_back():
            session = SessionLocal()
            count(session, User)
        with pytest.raises(SQLAlchemyError):
            count(session, User)
        self.check_that_the_next_is_isolated()

    def test_rows_that_are_committed_fail_the_test_itself(self, schema: None) -> None:
        failure = pytest.raises(pytest.fail.Exception, match="committed rows to users: use `db`")
        with failure, nothing_left(), SessionLocal.begin() as session:
            session.add(UserFactory.build())
        self.check_that_the_next_is_isolated()


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
