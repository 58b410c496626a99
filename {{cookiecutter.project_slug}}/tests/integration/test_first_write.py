"""Transactions begin with their first write: what only reads has none, and what writes is still all or nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, union_all, update
from sqlalchemy.orm import Session

from app.database import SessionLocal, engine
from app.models import Post, User
from app.models.columns import now

ADDRESS = "first-write@example.com"
NEWCOMER = {"email": ADDRESS, "name": "Newcomer", "password_hash": "-", "created_at": now(), "updated_at": now()}
INSERT = insert(User).values(NEWCOMER)
is_outside: Callable[[object], bool] = import_module(f"app.engines.{engine.dialect.name}").is_outside


def has_begun(connection: Connection) -> bool:
    return not is_outside(connection.connection.driver_connection)


def names() -> list[str]:
    """Return what somebody else reads."""
    with SessionLocal() as other:
        return list(other.scalars(select(User.name).where(User.email == ADDRESS)))


@pytest.fixture
def db(schema: None) -> Iterator[Session]:
    """A session as requests have it, with a connection of its own."""
    with SessionLocal() as session:
        yield session
    with SessionLocal.begin() as session:
        session.execute(delete(User).where(User.email == ADDRESS))


@contextmanager
def connected(**options: str) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection.execution_options(**options)


class TestReads:
    @pytest.mark.parametrize(
        "read",
        [
            lambda db: db.get(User, 1),
            lambda db: db.scalars(select(User).join(User.posts).where(Post.title.contains("update"))).all(),
            lambda db: db.scalar(select(func.count()).select_from(User)),
            lambda db: db.scalars(union_all(select(User.id), select(Post.id))).all(),
        ],
        ids=["get", "join", "count", "union"],
    )
    def test_they_begin_nothing(self, db: Session, read: Callable[[Session], object]) -> None:
        read(db)
        assert not has_begun(db.connection())

    def test_they_see_what_others_have_committed_meanwhile(self, db: Session) -> None:
        statement = select(User.name).where(User.email == ADDRESS)
        assert db.scalars(statement).all() == []
        with SessionLocal.begin() as other:
            other.execute(INSERT)
        assert db.scalars(statement).all() == ["Newcomer"]


class TestWrites:
    @pytest.mark.parametrize(
        "write",
        [
            lambda db: (db.add(User(**NEWCOMER)), db.flush()),
            lambda db: db.execute(INSERT),
            lambda db: db.execute(update(User).where(User.id == 0).values(name="-")),
            lambda db: db.execute(delete(User).where(User.id == 0)),
            lambda db: db.execute(select(User).where(User.id == 0).with_for_update()),
            lambda db: db.execute(select(User).where(User.id == 0).with_for_update(read=True)),
            lambda db: db.execute(text("SELECT count(*) FROM users")),
            lambda db: db.execute(select(func.abs(1))),
            lambda db: db.begin_nested() and db.connection(),
            lambda db: db.scalars(select(User.id).execution_options(yield_per=1)).all(),
        ],
        ids=["object", "insert", "update", "delete", "lock", "shared lock", "text", "function", "savepoint", "stream"],
    )
    def test_they_begin(self, db: Session, write: Callable[[Session], object]) -> None:
        db.get(User, 1)
        write(db)
        assert has_begun(db.connection())

    def test_nobody_else_sees_them_before_the_commit(self, db: Session) -> None:
        db.execute(INSERT)
        db.execute(update(User).where(User.email == ADDRESS).values(name="Renamed"))
        assert names() == []
        db.commit()
        assert names() == ["Renamed"]

    def test_all_are_undone_together(self, db: Session) -> None:
        db.execute(INSERT)
        db.execute(update(User).where(User.email == ADDRESS).values(name="Renamed"))
        db.rollback()
        assert names() == []

    def test_a_session_that_is_left_undoes_them(self, db: Session) -> None:
        with SessionLocal() as other:
            other.execute(INSERT)
        assert names() == []

    def test_what_the_driver_does_after_a_statement_of_text_is_undone_with_them(self, db: Session) -> None:
        db.execute(INSERT)
        db.commit()
        db.execute(text("SELECT 1"))
        with closing(db.connection().connection.cursor()) as cursor:
            cursor.execute(f"UPDATE users SET name = 'Renamed' WHERE email = '{ADDRESS}'")  # noqa: S608 - no one's input
        assert names() == ["Newcomer"]
        db.rollback()
        assert names() == ["Newcomer"]

    @pytest.mark.parametrize("end", [Session.commit, Session.rollback])
    def test_each_transaction_begins_anew(self, db: Session, end: Callable[[Session], None]) -> None:
        db.execute(INSERT)
        end(db)
        db.get(User, 1)
        assert not has_begun(db.connection())
        db.execute(delete(User).where(User.email == ADDRESS))
        assert has_begun(db.connection())


class TestLevels:
    """Of isolation: whoever chooses one has what they chose."""

    def test_a_stricter_one_holds_from_the_first_read(self, db: Session) -> None:
        statement = select(User.name).where(User.email == ADDRESS)
        with connected(isolation_level="REPEATABLE READ") as connection:
            assert connection.scalars(statement).all() == []
            with SessionLocal.begin() as other:
                other.execute(INSERT)
            assert connection.scalars(statement).all() == []

    def test_none_at_all_commits_each_statement(self, db: Session) -> None:
        with connected(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(INSERT)
            assert names() == ["Newcomer"]
            connection.rollback()
        assert names() == ["Newcomer"]

    @pytest.mark.parametrize("level", ["REPEATABLE READ", "AUTOCOMMIT"])
    def test_the_next_user_of_the_connection_has_transactions(self, db: Session, level: str) -> None:
        engine.dispose()
        with connected(isolation_level=level) as connection:
            used = connection.connection.driver_connection
            connection.execute(text("SELECT 1"))
        with connected() as connection:
            assert connection.connection.driver_connection is used
            connection.execute(INSERT)
            connection.rollback()
        assert names() == []
