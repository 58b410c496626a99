"""Tasks about posts."""

import logging
from datetime import timedelta

from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import worker_ready

from app.database import SessionLocal
from app.imports import service
from app.models.post_import import ImportStatus
from app.worker import RetriedTask, celery, queue_length

logger = logging.getLogger(__name__)

IDLE_SECONDS = 60
"""How long an import that has not moved is left alone: longer than a batch takes."""


@celery.task
def import_posts(task_id: str) -> None:
    """Add the posts of a file; run again, it goes on where it ended, unless that was at a bug."""
    try:
        service.run_import(task_id)
    except (*RetriedTask.autoretry_for, SoftTimeLimitExceeded):
        raise
    except Exception:
        with SessionLocal.begin() as db:
            service.fail(db, task_id)
        raise


@celery.task
def resume_imports(idle_seconds: float = IDLE_SECONDS) -> None:
    """Queue again what a worker that died, or a broker that forgot, has left."""
    # While others wait, a queued import most likely does too: queued again each minute, it would be there many times.
    statuses = (ImportStatus.RUNNING,) if queue_length([celery.conf.task_default_queue]) else service.UNFINISHED
    with SessionLocal.begin() as db:
        left = service.take_stalled(db, timedelta(seconds=idle_seconds), statuses)
    for task_id in left:
        logger.info("Import %s goes on", task_id)
        import_posts.delay(task_id)


@worker_ready.connect
def resume_at_start(**_: object) -> None:
    """Take up at once what the last worker has left, in the pool: this process must not connect before it forks.

    A worker for mail alone has left no import, and another may be at one.
    """
    if celery.conf.task_default_queue in celery.amqp.queues.consume_from:
        resume_imports.delay(0)
