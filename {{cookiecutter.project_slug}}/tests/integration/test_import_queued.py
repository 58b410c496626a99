"""What is queued, and when: after the commit, once, and nothing that is then not done."""

from functools import partial

import pytest
from kombu.simple import SimpleQueue
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app import worker
from app.api.errors import ServiceUnavailable
from app.database import SessionLocal
from app.imports.tasks import import_posts
from app.models import Post, User
from app.models.post_import import ImportStatus, PostImport
from app.settings import Settings
from tests.committed import add_users
from tests.workers import connections_to, form, numbered, queue_down, taken

IMPORT = "app.imports.tasks.import_posts"


def count(model: type[User | Post | PostImport]) -> int:
    with SessionLocal() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def enqueue(db: Session, task_id: str) -> None:
    worker.enqueue(db, import_posts, task_id, undo=lambda: None)


@pytest.fixture
def headers(server: TestClient, settings: Settings) -> dict[str, str]:
    (headers,) = add_users(settings, "user@example.com")
    return headers


class TestImportQueued:
    def test_it_waits_for_a_worker(self, server: TestClient, headers: dict[str, str], queue: SimpleQueue) -> None:
        response = server.post("/posts/import", headers=headers, **form(numbered(2)))
        assert response.status_code == 202
        task_id = response.json()["task_id"]
        assert taken(queue) == [(IMPORT, [task_id])]
        told = server.get(f"/tasks/{task_id}", headers=headers).json()
        assert (told["status"], told["processed"], told["total"]) == ("queued", 0, 2)
        assert count(Post) == 0

    def test_it_is_committed_before_it_is_queued(self, server: TestClient, headers: dict[str, str]) -> None:
        # Done at once where it is queued, by another connection, which sees what is committed.
        response = server.post("/posts/import", headers=headers, **form(numbered(2)))
        assert response.status_code == 202
        told = server.get(f"/tasks/{response.json()['task_id']}", headers=headers).json()
        assert (told["status"], told["processed"]) == ("complete", 2)

    def test_what_is_refused_is_not_queued(
        self, server: TestClient, headers: dict[str, str], queue: SimpleQueue
    ) -> None:
        assert server.post("/posts/import", headers=headers, **form(b"")).status_code == 422
        assert server.post("/posts/import", **form(numbered(1))).status_code == 401
        assert taken(queue) == []


class TestImportWhileTheQueueIsDown:
    @pytest.mark.parametrize("silent", [False, True])
    def test_it_is_refused_and_leaves_nothing(
        self, server: TestClient, headers: dict[str, str], caplog: pytest.LogCaptureFixture, *, silent: bool
    ) -> None:
        with queue_down(silent=silent) as broker:
            response = server.post("/posts/import", headers=headers, **form(numbered(1)))
            # Few waits for a broker that says nothing: each takes as long as it may be silent.
            assert connections_to(broker) <= 2 * silent
            assert server.get("/users/me", headers=headers).status_code == 200
        assert response.status_code == 503
        assert response.json() == {"detail": "The queue does not answer; try again later"}
        assert (count(PostImport), count(Post)) == (0, 0)
        assert f"The broker does not take {IMPORT}" in caplog.text

    def test_once_it_is_back_the_same_request_is_taken(
        self, server: TestClient, headers: dict[str, str], queue: SimpleQueue
    ) -> None:
        send = partial(server.post, "/posts/import", headers=headers, **form(numbered(1)))
        with queue_down():
            assert send().status_code == 503
        response = send()
        assert response.status_code == 202
        assert taken(queue) == [(IMPORT, [response.json()["task_id"]])]

    def test_an_import_before_it_is_kept(self, server: TestClient, headers: dict[str, str]) -> None:
        assert server.post("/posts/import", headers=headers, **form(numbered(1))).status_code == 202
        with queue_down():
            assert server.post("/posts/import", headers=headers, **form(numbered(1))).status_code == 503
        assert (count(PostImport), count(Post)) == (1, 1)


class TestEnqueue:
    def test_in_the_order_asked_for_and_not_before_the_commit(self, server: TestClient, queue: SimpleQueue) -> None:
        with SessionLocal() as db:
            for task_id in ("first", "second"):
                enqueue(db, task_id)
            db.execute(select(User.id))
            assert taken(queue) == []
            db.commit()
            assert taken(queue) == [(IMPORT, ["first"]), (IMPORT, ["second"])]
            db.commit()
        assert taken(queue) == []

    def test_nothing_of_what_is_rolled_back(self, server: TestClient, queue: SimpleQueue) -> None:
        with SessionLocal() as db:
            enqueue(db, "undone")
            db.execute(select(User.id))
            db.rollback()
            savepoint = db.begin_nested()
            enqueue(db, "undone with its savepoint")
            savepoint.rollback()
            with db.begin_nested():
                enqueue(db, "kept")
            db.commit()
        assert taken(queue) == [(IMPORT, ["kept"])]

    def test_a_failure_is_undone_and_raised_and_the_others_are_tried(self, server: TestClient) -> None:
        undone: list[str] = []
        with SessionLocal() as db, queue_down():
            for task_id in ("first", "second"):
                worker.enqueue(db, import_posts, task_id, undo=partial(undone.append, task_id))
            with pytest.raises(ServiceUnavailable):
                db.commit()
        assert undone == ["first", "second"]

    def test_one_that_is_no_outage_is_undone_too(self, server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        undone: list[str] = []
        monkeypatch.setattr(import_posts, "apply_async", lambda *_, **__: 1 // 0)
        with SessionLocal() as db:
            worker.enqueue(db, import_posts, "first", undo=partial(undone.append, "first"))
            with pytest.raises(ZeroDivisionError):
                db.commit()
        assert undone == ["first"]


def test_an_import_that_is_over_is_not_taken_up_again(server: TestClient, headers: dict[str, str]) -> None:
    task_id = server.post("/posts/import", headers=headers, **form(numbered(1))).json()["task_id"]
    with SessionLocal.begin() as db:
        db.execute(update(PostImport).values(status=ImportStatus.FAILED, document=numbered(2)))
    import_posts.delay(task_id)
    assert count(Post) == 1
