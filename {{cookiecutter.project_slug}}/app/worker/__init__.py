"""The Celery application: work that other processes do, on this machine or on others.

A task may run twice, since a message is only acknowledged when its work is done: tasks are written so that the second
run finds nothing left to do.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab
from celery.signals import beat_init, before_task_publish, setup_logging, task_prerun, worker_process_init
from kombu import Connection
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from app.api.errors import ServiceUnavailable
from app.database.commits import after_commit
from app.observability import tracing
from app.observability.logs import configure_logging
from app.settings import brokers, get_settings

logger = logging.getLogger(__name__)

TIME_LIMIT_SECONDS = 300
# A message that is not acknowledged for so long goes to another worker: longer than any task or wait for a retry takes.
REDELIVERY_SECONDS = 2 * TIME_LIMIT_SECONDS
BROKER_OPTIONS = {
    "visibility_timeout": REDELIVERY_SECONDS,
    "socket_connect_timeout": 2,
    # A broker that takes connections and says nothing is down too.
    "socket_timeout": 5,
}
REQUEST_ID = "request_id"
SOON = {"expires": 55}
"""For what the clock queues every minute: it does not pile up while no worker runs."""


class RetriedTask(Task[..., Any]):
    """A task that is tried again when a server does not answer: after up to 1 s, 2 s, 4 s and so on."""

    autoretry_for = (OSError, OperationalError)
    max_retries = 8
    retry_backoff = True
    retry_backoff_max = TIME_LIMIT_SECONDS - 60
    retry_jitter = True


settings = get_settings()
MAIL_QUEUE = f"{settings.celery_queue}-mail"
QUEUES = (settings.celery_queue, MAIL_QUEUE)
"""What a worker takes tasks from unless it is told: mail has a queue of its own, so as not to wait behind long tasks."""
celery = Celery("{{ cookiecutter.project_slug }}", broker=settings.celery_broker_url, task_cls=RetriedTask)
celery.conf.update(
    include=[
        "app.auth.tasks",
        # {% if cookiecutter.use_redis %}
        # What tasks write is no longer shown.
        "app.cache",
        # {% endif %}
        "app.imports.tasks",
        "app.worker.messages",
    ],
    # Nothing that could carry code; the tasks keep their results in the database.
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_default_queue=settings.celery_queue,
    task_routes={"app.auth.tasks.deliver*": {"queue": MAIL_QUEUE}},
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=1000,
    worker_consumer="app.worker.messages:Consumer",
    task_soft_time_limit=TIME_LIMIT_SECONDS - 30,
    task_time_limit=TIME_LIMIT_SECONDS,
    broker_connection_retry_on_startup=True,
    # Also after an answer such as that of a Redis that has become a replica.
    broker_channel_error_retry=True,
    broker_connection_timeout=2,
    broker_transport_options={**BROKER_OPTIONS, **settings.celery_broker_options},
    broker_use_ssl=brokers.tls_options(settings.celery_broker_url),
    # A request that queues a task waits no longer than this for a broker that is down.
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1},
    # The times of the schedule need no memory of the last run, so beat needs no file.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "purge-expired-tokens": {"task": "app.auth.tasks.purge_expired_tokens", "schedule": crontab(minute="17")},
        "deliver-mail": {"task": "app.auth.tasks.deliver_left", "schedule": crontab(), "options": SOON},
        "resume-imports": {"task": "app.imports.tasks.resume_imports", "schedule": crontab(), "options": SOON},
    },
)


def queues_for(*, mail: bool | None) -> tuple[str, ...]:
    """Return the queues of a worker for mail alone, for everything else, or, with `None`, for both."""
    return {None: QUEUES, True: (MAIL_QUEUE,), False: (settings.celery_queue,)}[mail]


def enqueue(db: Session, task: Task[..., None], *arguments: Any, undo: Callable[[], object]) -> None:
    """Queue the task once the session has committed, and not at all when it rolls back.

    Where the broker does not take it, `undo` takes back what was committed for it, and the commit raises
    `ServiceUnavailable`. Mail, which nobody waits for, goes by `app.worker.outbox`.
    """
    after_commit(db, publish, task, arguments, undo)


def publish(task: Task[..., None], arguments: tuple[Any, ...], undo: Callable[[], object]) -> None:
    broker = celery.connection_for_write()
    # A connection of its own cannot be stale, so it needs no retry, which would multiply the wait for a stalled broker.
    options: dict[str, Any] = {"connection": broker, "retry": False}
    try:
        with broker:
            task.apply_async(arguments, **options)
    except Exception as error:
        undo()
        if not isinstance(error, (BrokerError, *broker.connection_errors, *broker.channel_errors)):
            raise
        logger.warning("The broker does not take %s: %s", task.name, error)
        raise ServiceUnavailable("The queue does not answer; try again later") from None


def queue_length(queues: Iterable[str] = QUEUES) -> int:
    """Return how many tasks wait for a worker; raises what the broker's client does when that does not answer."""
    with celery.connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0)
        return sum(length_of(broker, name) for name in queues)


def length_of(broker: Connection, queue: str) -> int:
    channel: Any = broker.channel()
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except broker.channel_errors:
        # Nothing was ever queued, or nothing is left: some brokers know no empty queue.
        return 0


@setup_logging.connect
def set_up_logging(**_: object) -> None:
    """Log as the web processes do, instead of in Celery's own way."""
    configure_logging(settings)


@before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: object) -> None:
    """Let the task's lines in the log have the id of the request that it was queued by."""
    if REQUEST_ID in get_contextvars():
        headers[REQUEST_ID] = get_contextvars()[REQUEST_ID]


@task_prerun.connect
def bind_request_id(task: Task[..., Any], task_id: str, **_: object) -> None:
    if not task.request.is_eager:
        clear_contextvars()
        given = {REQUEST_ID: task.request.get(REQUEST_ID)}
        bind_contextvars(task=task.name, task_id=task_id, **{name: value for name, value in given.items() if value})


@beat_init.connect
def tell_schedule(**_: object) -> None:
    for name, entry in celery.conf.beat_schedule.items():
        logger.info("Scheduled: %s at %s", name, entry["schedule"])


@worker_process_init.connect
def forget_connections(**_: object) -> None:
    """Leave the connections to the process that this one was forked from."""
    from app.database import engine  # noqa: PLC0415 - its pool is made where it is first imported

    engine.dispose(close=False)


@worker_process_init.connect
def start_telemetry(**_: object) -> None:
    # Here and not in the process that forks: the threads that send would stay there.
    tracing.start_worker(settings)
