"""`GET /metrics` tells how much is queued, if the broker does, and `GET /health/ready` whether it does."""

import re

import pytest
from kombu.simple import SimpleQueue

from app.worker import celery
from tests.client import Client
from tests.workers import queue_down

LENGTH = re.compile(r"^celery_queue_length (\S+)$", re.MULTILINE)


def test_it_tells_how_much_is_queued(anon_client: Client, queue: SimpleQueue, mail_queue: SimpleQueue) -> None:
    assert LENGTH.findall(anon_client.get("/metrics").text) == ["0.0"]
    celery.send_task("app.imports.tasks.resume_imports")
    celery.send_task("app.auth.tasks.deliver_left")
    assert LENGTH.findall(anon_client.get("/metrics").text) == ["2.0"]


def test_a_broker_that_says_nothing_is_left_out(anon_client: Client) -> None:
    with queue_down(silent=True):
        response = anon_client.get("/metrics")
    assert (response.status_code, LENGTH.findall(response.text)) == (200, [])
    assert "http_requests_total" in response.text


@pytest.mark.parametrize("silent", [False, True])
def test_it_is_ready_without_a_broker_and_says_so(anon_client: Client, *, silent: bool) -> None:
    with queue_down(silent=silent):
        response = anon_client.get("/health/ready")
    assert (response.status_code, response.json()["broker"], response.json()["database"]) == (200, "down", "ok")
