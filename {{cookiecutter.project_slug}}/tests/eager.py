"""Tasks are done at once, where they are queued, so in the transaction of the test. A plugin, see `addopts`.

A test that is about the queue asks for `queue`; one about its absence says `with queue_down():` of `tests.workers`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kombu.simple import SimpleQueue


@pytest.fixture(scope="session", autouse=True)
def eager() -> None:
    # Imported here, since it reads the settings, which `tests.environment` sets first; as below.
    from app.worker import celery  # noqa: PLC0415

    celery.conf.update(task_always_eager=True, task_eager_propagates=True)


@pytest.fixture
def queue(eager: None) -> Iterator[SimpleQueue]:
    """What is queued, on the real broker, where nobody takes it."""
    from app.worker import QUEUES  # noqa: PLC0415

    with untaken(QUEUES[0]) as queue:
        yield queue


@pytest.fixture
def mail_queue(eager: None) -> Iterator[SimpleQueue]:
    """The same of mail."""
    from app.worker import MAIL_QUEUE  # noqa: PLC0415

    with untaken(MAIL_QUEUE) as queue:
        yield queue


@contextmanager
def untaken(name: str) -> Iterator[SimpleQueue]:
    from app.worker import celery  # noqa: PLC0415

    celery.conf.task_always_eager = False
    with celery.connection_for_read() as broker, broker.SimpleQueue(name) as queue:
        yield queue
        queue.clear()
    celery.conf.task_always_eager = True
