"""A real worker and a broker that holds broken messages, or becomes a replica, which refuses writes."""

import json
import signal
from typing import Any

import pytest
from kombu.simple import SimpleQueue
from redis import Redis
from starlette.testclient import TestClient

from app.settings import Settings
from app.worker import celery
from tests.client import Client
from tests.replica import replica_proxy
from tests.workers import connect_anew, eventually, running

WORKER = ("worker", "--processes", "1")
PURGE = "app.auth.tasks.purge_expired_tokens"
BROKEN: tuple[dict[str, Any], ...] = (
    {"body": "abc"},
    {"body": ""},
    {"body": 5},
    {"properties": {"body_encoding": "rot13"}},
    {"properties": {"delivery_info": None}},
    {"headers": {"timelimit": "soon"}},
    {"headers": {"timelimit": ["a", "b"]}},
    {"headers": {"timelimit": [1, 2, 3]}},
    {"headers": {"task": []}},
    {"headers": {"id": []}},
    {"headers": {"compression": "zlib"}},
)


def changed(message: dict[str, Any], change: dict[str, Any]) -> str:
    """Return the message with other values in some of its parts."""
    parts = {name: message[name] | value if isinstance(value, dict) else value for name, value in change.items()}
    return json.dumps(message | parts)


@pytest.mark.slow
class TestWorker:
    def test_it_rejects_broken_messages_and_goes_on(
        self, server: TestClient, settings: Settings, queue: SimpleQueue
    ) -> None:
        redis: Any = Redis.from_url(settings.celery_broker_url)
        celery.send_task(PURGE)
        good = json.loads(redis.rpop(settings.celery_queue))
        for change in BROKEN:
            redis.lpush(settings.celery_queue, changed(good, change))
        redis.lpush(settings.celery_queue, json.dumps(good))
        redis.close()
        with running(*WORKER) as worker:
            assert eventually(lambda: f"{PURGE}[{good['headers']['id']}] succeeded" in worker.said), worker.said
            assert worker.ended(signal.SIGTERM) == 0
        with running(*WORKER) as another:
            assert eventually(lambda: "ready" in another.said), another.said
            assert another.ended(signal.SIGTERM) == 0
            assert "Rejected" not in another.said

    def test_it_reconnects_to_a_broker_that_was_a_replica_for_a_while(
        self, server: TestClient, settings: Settings, queue: SimpleQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with replica_proxy(settings.celery_broker_url) as proxy, monkeypatch.context() as patch:
            patch.setenv("CELERY_BROKER_URL", proxy.url)
            with running(*WORKER) as worker:
                assert eventually(lambda: "resume_imports" in worker.said and "succeeded" in worker.said), worker.said
                proxy.replica = True
                assert eventually(lambda: "Connection to broker lost" in worker.said), worker.said
                proxy.replica = False
                celery.send_task(PURGE)
                assert eventually(lambda: f"Task {PURGE}" in worker.said), worker.said
                assert worker.ended(signal.SIGTERM) == 0


def test_it_is_ready_and_names_a_broker_that_takes_no_messages(
    anon_client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replica_proxy(settings.celery_broker_url) as proxy:
        with monkeypatch.context() as patch:
            patch.setenv("CELERY_BROKER_URL", proxy.url)
            connect_anew(eager=True)
            states = [anon_client.get("/health/ready").json()["broker"]]
            proxy.replica = True
            states.append(anon_client.get("/health/ready").json()["broker"])
        connect_anew(eager=True)
    assert states == ["ok", "down"]
