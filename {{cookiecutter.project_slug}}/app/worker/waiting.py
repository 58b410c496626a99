"""How many tasks wait, for Prometheus."""

import logging
from collections.abc import Iterator
from typing import Any

from kombu import Exchange, Queue
from prometheus_client import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app import worker
from app.observability import metrics
from app.observability.checks import NEEDED, Question

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 1
PROBE_SECONDS = 60
"""How long the queue that is asked with stays if nobody asks again."""
_length = Question("queue-length", worker.queue_length)


def ask_broker() -> None:
    """Queue a message and take it back: a broker that is full, or has become a replica, answers and takes nothing."""
    name = f"{worker.celery.conf.task_default_queue}.ready"
    connection: Any = worker.celery.connection_for_write()
    with connection as broker:
        broker.ensure_connection(max_retries=1, interval_start=0)
        with broker.SimpleQueue(Queue(name, Exchange(""), name, expires=PROBE_SECONDS)) as probe:
            probe.put("")
            probe.clear()


NEEDED["broker"] = Question("ready-broker", ask_broker)


class QueueLength(Collector):
    """The queue as it was when somebody asked."""

    def __init__(self, length: int) -> None:
        self.length = length

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("celery_queue_length", "Tasks that wait for a worker", self.length)


async def queued() -> bytes:
    """Return the length of the queue as Prometheus reads it, or nothing where the broker does not tell it in time."""
    try:
        return generate_latest(QueueLength(await _length.answer(PATIENCE_SECONDS)))
    except Exception as error:  # noqa: BLE001 - each broker fails in its own way
        logger.warning("The broker does not tell how much is queued: %r", error)
        return b""


metrics.MORE.append(queued)
