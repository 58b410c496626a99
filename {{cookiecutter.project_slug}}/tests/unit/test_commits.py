"""Work that waits for a commit: when it is done, in which order, and when it is not."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import SessionLocal, engine
from app.database.commits import after_commit, later


@pytest.fixture
def db(schema: None) -> Iterator[Session]:
    """A session on the real engine; these tests write nothing."""
    with SessionLocal() as db:
        yield db


@pytest.fixture
def done() -> list[str]:
    """What was done, in its order."""
    return []


def fail(done: list[str], what: str) -> None:
    done.append(what)
    raise LookupError(what)


class TestAfterCommit:
    def test_calls_are_made_once_in_their_order_with_their_arguments(self, db: Session, done: list[str]) -> None:
        after_commit(db, done.append, "first")
        db.execute(text("SELECT 1"))
        after_commit(db, done.append, "second")
        assert done == []
        db.commit()
        assert done == ["first", "second"]
        db.commit()
        assert done == ["first", "second"]

    def test_a_commit_that_had_nothing_to_write_counts(self, db: Session, done: list[str]) -> None:
        after_commit(db, done.append, "done")
        db.commit()
        assert done == ["done"]

    def test_a_flush_is_no_commit(self, db: Session, done: list[str]) -> None:
        after_commit(db, done.append, "early")
        db.flush()
        assert done == []

    def test_the_connection_is_free_when_they_are_made(self, db: Session) -> None:
        before = engine.pool.checkedout()  # type: ignore[attr-defined] # of the kind of pool that a server has
        free: list[int] = []
        db.execute(text("SELECT 1"))
        after_commit(db, lambda: free.append(engine.pool.checkedout()))  # type: ignore[attr-defined] # as above
        db.commit()
        assert free == [before]

    def test_they_may_use_a_session_of_their_own(self, db: Session, done: list[str]) -> None:
        def work() -> None:
            with SessionLocal.begin() as other:
                after_commit(other, done.append, "inner")
                done.append("outer")

        after_commit(db, work)
        db.commit()
        assert done == ["outer", "inner"]

    def test_one_that_fails_keeps_none_from_being_made_and_is_raised(self, db: Session, done: list[str]) -> None:
        after_commit(db, done.append, "first")
        after_commit(db, fail, done, "second")
        after_commit(db, done.append, "third")
        with pytest.raises(LookupError, match="second"):
            db.commit()
        assert done == ["first", "second", "third"]
        db.commit()
        assert done == ["first", "second", "third"]

    def test_a_failure_does_not_end_the_session(self, db: Session, done: list[str]) -> None:
        after_commit(db, fail, done, "failed")
        with pytest.raises(LookupError):
            db.commit()
        after_commit(db, done.append, "next")
        assert db.scalar(text("SELECT 1")) == 1
        db.commit()
        assert done == ["failed", "next"]


class TestNoCommit:
    def test_a_rollback_drops_them(self, db: Session, done: list[str]) -> None:
        after_commit(db, done.append, "undone")
        db.execute(text("SELECT 1"))
        db.rollback()
        db.commit()
        assert done == []

    def test_a_session_that_is_closed_drops_them(self, db: Session, done: list[str]) -> None:
        after_commit(db, done.append, "undone")
        db.execute(text("SELECT 1"))
        db.close()
        assert done == []

    def test_an_exception_drops_them(self, schema: None, done: list[str]) -> None:
        with suppress(LookupError), SessionLocal.begin() as db:
            after_commit(db, done.append, "undone")
            raise LookupError
        assert done == []

    def test_those_of_the_next_transaction_are_made(self, db: Session, done: list[str]) -> None:
        after_commit(db, done.append, "undone")
        db.execute(text("SELECT 1"))
        db.rollback()
        after_commit(db, done.append, "done")
        db.commit()
        assert done == ["done"]


class TestSavepoints:
    def test_those_of_one_that_is_released_wait_for_the_commit(self, db: Session, done: list[str]) -> None:
        with db.begin_nested():
            after_commit(db, done.append, "done")
        assert done == []
        db.commit()
        assert done == ["done"]

    def test_those_of_one_that_is_undone_are_dropped_alone(self, db: Session, done: list[str]) -> None:
        after_commit(db, done.append, "before")
        savepoint = db.begin_nested()
        after_commit(db, done.append, "undone")
        savepoint.rollback()
        after_commit(db, done.append, "after")
        db.commit()
        assert done == ["before", "after"]

    def test_those_of_one_within_one_that_is_undone_are_dropped(self, db: Session, done: list[str]) -> None:
        outer = db.begin_nested()
        with db.begin_nested():
            after_commit(db, done.append, "released, then undone")
        outer.rollback()
        db.commit()
        assert done == []

    def test_one_that_is_undone_within_another_leaves_those_of_that(self, db: Session, done: list[str]) -> None:
        with db.begin_nested():
            after_commit(db, done.append, "first")
            inner = db.begin_nested()
            after_commit(db, done.append, "undone")
            inner.rollback()
            with db.begin_nested():
                after_commit(db, done.append, "second")
        assert done == []
        db.commit()
        assert done == ["first", "second"]

    def test_a_rollback_drops_those_of_released_ones(self, db: Session, done: list[str]) -> None:
        with db.begin_nested():
            after_commit(db, done.append, "undone")
        db.rollback()
        db.commit()
        assert done == []


class TestLater:
    def test_without_a_request_it_is_done_at_the_commit(self, db: Session, done: list[str]) -> None:
        later(db, done.append, "done")
        assert done == []
        db.commit()
        assert done == ["done"]

    def test_its_failure_is_logged_and_not_raised(
        self, db: Session, done: list[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        later(db, fail, done, "failed")
        later(db, done.append, "next")
        db.commit()
        assert done == ["failed", "next"]
        assert "LookupError: failed" in caplog.text
