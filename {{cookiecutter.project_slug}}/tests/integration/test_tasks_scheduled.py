"""What is done by the clock: old sessions are purged, and imports that were left are taken up again."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery.beat import Scheduler
from kombu.simple import SimpleQueue
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.auth.tasks import purge_expired_tokens
from app.imports.tasks import IDLE_SECONDS, resume_at_start, resume_imports
from app.models import Post, RefreshToken, User
from app.models.columns import now
from app.models.post_import import ImportStatus, PostImport
from app.worker import celery
from tests.workers import numbered, taken

IMPORT = "app.imports.tasks.import_posts"
MAIL = "app.auth.tasks.deliver_left"
RESUME = "app.imports.tasks.resume_imports"
PURGE = "app.auth.tasks.purge_expired_tokens"


def add_import(db: Session, user: User, status: ImportStatus, *, idle: float) -> str:
    added = PostImport(task_id=uuid4().hex, author_id=user.id, total=1, document=numbered(1), status=status)
    db.add(added)
    db.flush()
    db.execute(update(PostImport).where(PostImport.id == added.id).values(updated_at=now() - timedelta(seconds=idle)))
    return added.task_id


class TestPurgeExpiredTokens:
    def test_sessions_that_have_expired_go(self, db: Session, user: User) -> None:
        for number, seconds in enumerate((-1, 60)):
            expires_at = now() + timedelta(seconds=seconds)
            values = {"family": str(number), "version": 0, "token_hash": f"{number:064}", "expires_at": expires_at}
            db.add(RefreshToken(user_id=user.id, **values))
        db.flush()
        purge_expired_tokens.delay()
        assert db.scalars(select(RefreshToken.family)).all() == ["1"]


class TestResumeImports:
    @pytest.mark.parametrize("status", [ImportStatus.QUEUED, ImportStatus.RUNNING])
    def test_those_that_do_not_move_are_queued_again(
        self, db: Session, user: User, queue: SimpleQueue, status: ImportStatus
    ) -> None:
        first = add_import(db, user, status, idle=IDLE_SECONDS + 5)
        second = add_import(db, user, status, idle=10 * IDLE_SECONDS)
        add_import(db, user, status, idle=IDLE_SECONDS - 5)
        resume_imports()
        assert taken(queue) == [(IMPORT, [first]), (IMPORT, [second])]
        resume_imports()
        assert taken(queue) == [], "what has just been queued is queued again"

    def test_one_that_waits_in_a_busy_queue_is_not_queued_twice(
        self, db: Session, user: User, queue: SimpleQueue
    ) -> None:
        task_id = add_import(db, user, ImportStatus.RUNNING, idle=10 * IDLE_SECONDS)
        resume_imports()
        db.execute(update(PostImport).values(updated_at=now() - timedelta(seconds=10 * IDLE_SECONDS)))
        resume_imports()
        assert taken(queue) == [(IMPORT, [task_id])]

    @pytest.mark.parametrize("status", [ImportStatus.COMPLETE, ImportStatus.FAILED])
    def test_those_that_are_over_are_not(
        self, db: Session, user: User, queue: SimpleQueue, status: ImportStatus
    ) -> None:
        add_import(db, user, status, idle=10 * IDLE_SECONDS)
        resume_imports()
        assert taken(queue) == []

    def test_they_are_finished(self, db: Session, user: User) -> None:
        add_import(db, user, ImportStatus.RUNNING, idle=10 * IDLE_SECONDS)
        resume_imports.delay()
        db.expire_all()
        assert db.scalars(select(Post.slug)).all() == ["slug-2"]
        assert db.scalars(select(PostImport.status)).all() == [ImportStatus.COMPLETE]

    def test_a_worker_that_starts_takes_up_all(self, db: Session, user: User, queue: SimpleQueue) -> None:
        task_id = add_import(db, user, ImportStatus.RUNNING, idle=0)
        resume_at_start()
        assert taken(queue) == [(RESUME, [0])]
        resume_imports(0)
        assert taken(queue) == [(IMPORT, [task_id])]


class TestSchedule:
    def test_each_task_of_it_is_queued_under_its_name(self, queue: SimpleQueue, mail_queue: SimpleQueue) -> None:
        application: Any = celery
        scheduler = Scheduler(app=application)
        assert set(scheduler.schedule) == {"deliver-mail", "purge-expired-tokens", "resume-imports"}
        for entry in scheduler.schedule.values():
            scheduler.apply_entry(entry)
        assert sorted(taken(queue)) == [(PURGE, []), (RESUME, [])]
        assert taken(mail_queue) == [(MAIL, [])]
        assert {MAIL, PURGE, RESUME} <= set(celery.tasks)

    @pytest.mark.parametrize(
        ("name", "minutes"),
        [
            ("deliver-mail", set(range(60))),
            ("purge-expired-tokens", {17}),
            ("resume-imports", set(range(60))),
        ],
    )
    def test_when(self, name: str, minutes: set[int]) -> None:
        schedule = celery.conf.beat_schedule[name]["schedule"]
        assert (schedule.minute, len(schedule.hour), len(schedule.day_of_month)) == (minutes, 24, 31)
