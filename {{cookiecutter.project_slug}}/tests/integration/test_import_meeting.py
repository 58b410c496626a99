"""Imports while somebody else writes: real commits on the real engine."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database import SessionLocal
from app.imports import service
from app.imports.tasks import import_posts
from app.models import Post, Role, User
from app.models.post_import import ImportStatus, PostImport, PostImportProblem
from app.posts import service as posts
from app.settings import Settings
from tests.committed import add_users
from tests.meeting import PATIENCE, Pursuit
from tests.workers import numbered

BATCH = 2


@pytest.fixture
def headers(server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """An author and an admin, as they are known to the server."""
    monkeypatch.setattr(service, "BATCH", BATCH)
    return add_users(settings, "user@example.com") + add_users(settings, "admin@example.com", role=Role.ADMIN)


@pytest.fixture
def task_id(headers: Any) -> str:
    with SessionLocal.begin() as db:
        author = db.scalars(select(User).where(User.email == "user@example.com")).one()
        return service.add_import(db, author, numbered(3 * BATCH)).task_id


def bad_lines(db: Session) -> list[int]:
    return list(db.scalars(select(PostImportProblem.line).order_by(PostImportProblem.line)))


def count(model: type[Post | PostImport]) -> int:
    with SessionLocal() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def once_after(number: int, function: Callable[..., Any], meanwhile: Callable[[], object]) -> Callable[..., Any]:
    """Return the function, with something else done after its n-th call."""
    calls = 0

    def call(*arguments: Any) -> Any:
        nonlocal calls
        result = function(*arguments)
        calls += 1
        if calls == number:
            meanwhile()
        return result

    return call


class TestAuthors:
    def test_one_who_is_deleted_between_two_batches_takes_it_along(
        self, server: TestClient, headers: list[dict[str, str]], task_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def leave() -> None:
            assert count(Post) == BATCH
            assert server.delete("/users/me", headers=headers[0]).status_code == 204

        monkeypatch.setattr(service, "run_batch", once_after(1, service.run_batch, leave))
        import_posts.delay(task_id)
        assert (count(PostImport), count(Post)) == (0, 0)

    def test_one_who_is_deleted_during_a_batch_waits_for_it(
        self, server: TestClient, headers: list[dict[str, str]], task_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pursuit = Pursuit(lambda: server.delete("/users/me", headers=headers[0]))
        monkeypatch.setattr(service, "claim", once_after(2, service.claim, pursuit.happen_once))
        with pursuit.watched():
            import_posts.delay(task_id)
        assert pursuit.response.status_code == 204
        assert (count(PostImport), count(Post)) == (0, 0)

    def test_one_who_is_deactivated_adds_nothing_more(
        self, server: TestClient, headers: list[dict[str, str]], task_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with SessionLocal() as db:
            author_id = db.scalars(select(PostImport.author_id)).one()

        def deactivate() -> None:
            body = {"is_active": False}
            assert server.patch(f"/users/{author_id}", json=body, headers=headers[1]).status_code == 200

        monkeypatch.setattr(service, "run_batch", once_after(1, service.run_batch, deactivate))
        import_posts.delay(task_id)
        with SessionLocal() as db:
            job = db.scalars(select(PostImport)).one()
            assert (job.status, job.processed, job.document) == (ImportStatus.FAILED, BATCH, None)
        assert count(Post) == BATCH


class TestSlugs:
    @staticmethod
    def taking(*slugs: str) -> Callable[..., Any]:
        """Return the look at what is taken, after which somebody else takes one of these, each time another."""
        left = list(slugs)
        look = service.sorted_out

        def sorted_out(db: Session, batch: Any) -> Any:
            found = look(db, batch)
            if left:
                author_id = db.scalars(select(PostImport.author_id)).one()
                # In the same transaction, since an engine with one writer would let nobody come between.
                db.add(Post(title="Theirs", body="Body", slug=left.pop(0), author_id=author_id))
                db.flush()
            return found

        return sorted_out

    def test_one_that_is_taken_after_the_look_is_refused_and_the_others_are_added(
        self, task_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "BATCH", 10)
        monkeypatch.setattr(service, "sorted_out", self.taking("slug-3", "slug-7"))
        import_posts.delay(task_id)
        with SessionLocal() as db:
            job = db.scalars(select(PostImport)).one()
            assert (job.status, bad_lines(db)) == (ImportStatus.COMPLETE, [3, 7])
            assert len(db.scalars(select(Post).where(Post.title != "Theirs")).all()) == 3 * BATCH - 2

    def test_when_that_never_ends_the_import_does(self, task_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "ATTEMPTS", 2)
        monkeypatch.setattr(service, "sorted_out", self.taking("slug-2", "slug-3"))
        with pytest.raises(IntegrityError):
            import_posts.delay(task_id)
        with SessionLocal() as db:
            assert db.scalars(select(PostImport.status)).all() == [ImportStatus.FAILED]
        assert count(Post) == 0

    def test_a_post_at_the_same_time_gets_its_slug_or_the_row_does(
        self, server: TestClient, headers: list[dict[str, str]], task_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        under_way = Event()
        flush_slug = posts.flush_slug

        def flush_slug_and_tell(db: Any) -> None:
            under_way.set()
            flush_slug(db)

        def write() -> None:
            body = {"title": "Theirs", "body": "Body", "slug": "slug-4"}
            answers.append(threads.submit(server.post, "/posts", json=body, headers=headers[1]))
            assert under_way.wait(PATIENCE)

        answers: list[Future[Response]] = []
        monkeypatch.setattr(posts, "flush_slug", flush_slug_and_tell)
        monkeypatch.setattr(service, "sorted_out", once_after(2, service.sorted_out, write))
        with ThreadPoolExecutor(1) as threads:
            import_posts.delay(task_id)
        (status,) = [answer.result().status_code for answer in answers]
        with SessionLocal() as db:
            lines = bad_lines(db)
            titles = db.scalars(select(Post.title).where(Post.slug == "slug-4")).all()
        assert (status, lines, titles) in [(201, [4], ["Theirs"]), (409, [], ["Title 4"])]
        assert count(Post) == 3 * BATCH
