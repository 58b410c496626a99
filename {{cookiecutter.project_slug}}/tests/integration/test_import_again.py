"""Imports that are run again, at the same time or after a crash: each row is done with once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery.exceptions import Retry, SoftTimeLimitExceeded
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from app.database import SessionLocal
from app.imports import service
from app.imports.csv_rows import read_rows
from app.imports.tasks import import_posts
from app.models import Post
from app.models.post_import import ImportStatus, PostImport
from app.settings import Settings
from tests.committed import add_users, with_email
from tests.meeting import Meeting
from tests.workers import numbered

BATCH = 2
ROWS = 7
# Two good rows, a bad one, and so on.
DOCUMENT = numbered(ROWS).replace(b"slug-4", b"").replace(b"slug-7", b"")
GOOD, BAD = ["slug-2", "slug-3", "slug-5", "slug-6", "slug-8"], [4, 7]


@pytest.fixture
def task_id(server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """An import that nobody has begun."""
    monkeypatch.setattr(service, "BATCH", BATCH)
    add_users(settings, "user@example.com", "other@example.com")
    return add_import("user@example.com", DOCUMENT)


def add_import(email: str, document: bytes) -> str:
    with SessionLocal.begin() as db:
        return service.add_import(db, with_email(db, email), document).task_id


def slugs() -> list[str]:
    with SessionLocal() as db:
        return list(db.scalars(select(Post.slug).order_by(Post.id)))


def read(task_id: str) -> PostImport:
    with SessionLocal() as db:
        found = select(PostImport).where(PostImport.task_id == task_id)
        return db.scalars(found).one()


def bad_lines(job: PostImport) -> list[int]:
    with SessionLocal() as db:
        return [problem.line for problem in service.problems_of(db, job, ROWS, 0)]


def has_document() -> bool:
    with SessionLocal() as db:
        return db.scalars(select(PostImport.document)).one() is not None


def assert_complete(task_id: str) -> None:
    job = read(task_id)
    assert (job.status, job.processed, job.total) == (ImportStatus.COMPLETE, ROWS, ROWS)
    assert bad_lines(job) == BAD
    assert slugs() == GOOD
    assert not has_document()


class Failing:
    """Fails in the n-th call, after the work of the call is done."""

    def __init__(self, number: int, error: Exception) -> None:
        self.left = number
        self.error = error

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = function(*arguments)
            self.left -= 1
            if self.left == 0:
                raise self.error
            return result

        return call


class TestAgain:
    def test_a_second_run_finds_nothing_to_do(self, task_id: str) -> None:
        service.run_import(task_id)
        assert_complete(task_id)
        finished = read(task_id).updated_at
        service.run_import(task_id)
        assert_complete(task_id)
        assert read(task_id).updated_at == finished

    @pytest.mark.parametrize("calls", [1, 2, 3, 4])
    def test_one_that_failed_half_way_goes_on(self, task_id: str, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(service, "add_posts", Failing(calls, OSError("gone")).around(service.add_posts))
            with pytest.raises(OSError, match="gone"):
                service.run_import(task_id)
        job = read(task_id)
        done = (calls - 1) * BATCH
        # What was counted is what was added; the batch that failed is as if it had never been.
        assert (job.processed, len(slugs()) + len(bad_lines(job))) == (done, done)
        assert job.status is (ImportStatus.RUNNING if done else ImportStatus.QUEUED)
        service.run_import(task_id)
        assert_complete(task_id)

    def test_two_at_the_same_time_share_the_rows(self, task_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "BATCH", 1)
        monkeypatch.setattr("app.imports.service.read_rows", Meeting(2).around(read_rows))
        with ThreadPoolExecutor(2) as threads:
            runs = [threads.submit(service.run_import, task_id) for _ in range(2)]
            assert [run.result() for run in runs] == [None, None]
        assert_complete(task_id)

    def test_an_unknown_one_is_left_alone(self, task_id: str) -> None:
        service.run_import("unknown")
        assert read(task_id).status is ImportStatus.QUEUED

    def test_one_that_has_failed_is_not_taken_up_again(self, task_id: str) -> None:
        with SessionLocal.begin() as db:
            db.execute(update(PostImport).values(status=ImportStatus.FAILED))
        service.run_import(task_id)
        assert (read(task_id).status, slugs()) == (ImportStatus.FAILED, [])

    def test_one_does_not_touch_another(self, task_id: str) -> None:
        other = add_import("other@example.com", numbered(1))
        service.run_import(task_id)
        job = read(other)
        assert (job.status, job.processed) == (ImportStatus.QUEUED, 0)


class TestFailures:
    """Of a run by a worker: what may be better next time is left to it, a bug is not."""

    @pytest.mark.parametrize(
        "error",
        [
            pytest.param(OSError("no route"), id="no route"),
            pytest.param(OperationalError("SELECT 1", {}, Exception("gone")), id="no database"),
            pytest.param(SoftTimeLimitExceeded(), id="out of time"),
        ],
    )
    def test_what_may_pass_leaves_it_to_go_on(
        self, task_id: str, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        monkeypatch.setattr(service, "add_posts", Failing(2, error).around(service.add_posts))
        # A worker asks again later what does not answer; out of time, it leaves that to `resume_imports`.
        with pytest.raises((Retry, SoftTimeLimitExceeded)):
            import_posts.delay(task_id)
        assert (read(task_id).status, read(task_id).processed) == (ImportStatus.RUNNING, BATCH)
        import_posts.delay(task_id)
        assert_complete(task_id)

    def test_a_bug_ends_it_for_good(self, task_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "add_posts", Failing(2, LookupError("bug")).around(service.add_posts))
        with pytest.raises(LookupError, match="bug"):
            import_posts.delay(task_id)
        job = read(task_id)
        assert (job.status, job.processed, slugs()) == (ImportStatus.FAILED, BATCH, GOOD[:2])
        assert not has_document()
        import_posts.delay(task_id)
        assert slugs() == GOOD[:2]

    def test_a_bug_of_one_does_not_end_another(self, task_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
        other = add_import("other@example.com", numbered(1))
        monkeypatch.setattr(service, "add_posts", Failing(1, LookupError("bug")).around(service.add_posts))
        with pytest.raises(LookupError, match="bug"):
            import_posts.delay(task_id)
        assert read(other).status is ImportStatus.QUEUED
