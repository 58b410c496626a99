"""Reading the queue: a broken message is rejected with a line in the log, and the worker goes on with the next."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from celery.signals import worker_init
from celery.worker import consumer
from kombu.transport import virtual

logger = logging.getLogger(__name__)


class Message(virtual.Message):
    """A message in Redis and the like, which encode it themselves; an undecodable one is empty, which no task is."""

    def __init__(self, payload: Any, channel: Any = None, **options: Any) -> None:
        try:
            super().__init__(payload, channel, **options)
            check_source(self.delivery_tag, self.delivery_info["routing_key"])
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            logger.warning("A message cannot be decoded: %r", error)
            properties = {"delivery_tag": str(uuid4()), "delivery_info": {"exchange": "", "routing_key": "undecodable"}}
            super().__init__({"body": "", "properties": properties}, channel, **options)


class Consumer(consumer.Consumer):
    """Rejects what Celery would fail at, and find again when it is started again."""

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], None]:
        handle = super().create_task_handler(*arguments, **options)
        # What celery-types leaves out.
        worker: Any = self
        outages = (*worker.connection_errors, *worker.channel_errors)

        def handle_or_reject(message: Any) -> None:
            try:
                check_time_limits(message.headers.get("timelimit"))
                handle(message)
            except Exception as error:
                # Kombu takes a missing key for an outage, too.
                if isinstance(error, outages) and not isinstance(error, LookupError):
                    raise
                logger.exception("Rejected a broken message")
                if not message.acknowledged:
                    message.reject_log_error(logger, worker.connection_errors)

        return handle_or_reject


def check_source(*names: object) -> None:
    """Refuse what would break a worker that restores the message: none could then start."""
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{names!r} do not name its source")


def check_time_limits(limits: Any) -> None:
    """Raise here what Celery would raise only once a process is free for the task."""
    if limits:
        hard, soft = limits
        if not isinstance(hard, int | float | None) or not isinstance(soft, int | float | None):
            raise TypeError(f"{limits!r} are no time limits")


@worker_init.connect
def read_with_care(**_: object) -> None:
    virtual.Channel.Message = Message
