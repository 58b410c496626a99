"""A real worker, in a process of its own, on the real broker: what it does, and what it leaves when it is killed."""

import pickle
import signal
from pathlib import Path

import pytest
from kombu.simple import SimpleQueue
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.database import SessionLocal
from app.models import Post
from app.models.post_import import ImportStatus, PostImport, PostImportProblem
from app.settings import Settings
from app.worker import celery
from tests.committed import add_users
from tests.workers import eventually, form, numbered, running, taken

pytestmark = pytest.mark.slow

ID = "of-the-request"
WORKER = ("worker", "--processes", "1")
# The row of the line 3 is bad.
BAD = b"slug-3\n", b"No Slug\n"


def upload(server: TestClient, settings: Settings, rows: int) -> str:
    (headers,) = add_users(settings, "user@example.com")
    response = server.post(
        "/posts/import", headers=headers | {"X-Request-ID": ID}, **form(numbered(rows).replace(*BAD))
    )
    task_id: str = response.json()["task_id"]
    return task_id


def progress() -> tuple[ImportStatus, int]:
    with SessionLocal() as db:
        status, processed = db.execute(select(PostImport.status, PostImport.processed)).one()
        return status, processed


def is_complete() -> bool:
    return progress()[0] is ImportStatus.COMPLETE


def assert_imported(rows: int) -> None:
    """Assert that each good row is a post, once, and that of the bad one it was told once."""
    with SessionLocal() as db:
        assert progress() == (ImportStatus.COMPLETE, rows)
        assert db.scalars(select(PostImportProblem.line)).all() == [3]
        slugs = db.scalars(select(Post.slug).order_by(Post.id)).all()
    assert slugs == [f"slug-{line}" for line in range(2, rows + 2) if line != 3]


class Trap:
    """Creates a file when somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


class TestWorker:
    def test_it_imports_what_is_queued_and_ends_when_asked_to(
        self, server: TestClient, settings: Settings, queue: SimpleQueue, tmp_path: Path
    ) -> None:
        sprung = tmp_path / "sprung"
        assert pickle.loads(pickle.dumps(Trap(sprung))) is None  # noqa: S301 - what the worker is not to do
        sprung.unlink()
        celery.send_task("app.imports.tasks.import_posts", args=(Trap(sprung),), serializer="pickle")
        upload(server, settings, rows=3000)
        with running(*WORKER) as worker:
            assert eventually(is_complete), worker.said
            assert worker.ended(signal.SIGTERM) == 0
            assert "Refusing to deserialize" in worker.said
            assert [line for line in worker.said.splitlines() if "succeeded" in line and f"request_id={ID}" in line]
        assert_imported(3000)
        assert not sprung.exists()
        # What it queued for itself when it started may be left.
        assert {name for name, _ in taken(queue)} <= {"app.imports.tasks.resume_imports"}

    def test_another_goes_on_where_one_was_killed(
        self, server: TestClient, settings: Settings, queue: SimpleQueue
    ) -> None:
        rows = 5_000
        upload(server, settings, rows=rows)
        with running(*WORKER) as worker:
            assert eventually(lambda: progress()[1] > 0), worker.said
            worker.killed()
        status, processed = progress()
        with SessionLocal() as db:
            assert db.scalar(select(func.count()).select_from(Post)) == processed - 1
        assert (status, processed < rows) == (ImportStatus.RUNNING, True)
        with running(*WORKER) as worker:
            assert eventually(is_complete), worker.said
        assert_imported(rows)


class TestBeat:
    def test_it_tells_what_it_will_queue_and_ends_when_asked_to(self) -> None:
        with running("beat") as beat:
            assert eventually(lambda: "Scheduled: resume-imports at <crontab: * * * * *" in beat.said), beat.said
            assert "Scheduled: purge-expired-tokens at <crontab: 17 * * * *" in beat.said
            assert beat.ended(signal.SIGTERM) == 0
