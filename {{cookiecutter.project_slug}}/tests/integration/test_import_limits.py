"""How much one user may import: so often, one file at a time, without taking the memory of many."""

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest
from kombu.simple import SimpleQueue
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.api.errors import Conflict
from app.database import SessionLocal
from app.imports import service
from app.imports.csv_rows import read_rows
from app.imports.tasks import import_posts
from app.models import User
from app.models.post_import import PostImport
from app.settings import Settings
from tests.client import Client
from tests.committed import add_users
from tests.workers import form, numbered

if TYPE_CHECKING:
    from tests.throttling import SetRates

UNFINISHED = {"detail": "Your last import is not finished yet; wait for it"}


def post(server: TestClient, headers: dict[str, str]) -> Any:
    return server.post("/posts/import", headers=headers, **form(numbered(1)))


def test_a_user_imports_as_often_as_the_rate_allows(
    client: Client, admin_client: Client, set_rates: "SetRates"
) -> None:
    set_rates(import_rate="2/hour")
    statuses = [client.post("/posts/import", **form(numbered(1))).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]
    assert admin_client.post("/posts/import", **form(numbered(1))).status_code == 202


def test_a_user_has_one_unfinished_import(server: TestClient, settings: Settings, queue: SimpleQueue) -> None:
    one, another = add_users(settings, "user@example.com", "other@example.com")
    first = post(server, one)
    assert first.status_code == 202
    second = post(server, one)
    assert (second.status_code, second.json()) == (409, UNFINISHED)
    assert post(server, another).status_code == 202
    import_posts(first.json()["task_id"])
    assert post(server, one).status_code == 202


def test_two_uploads_of_a_user_at_once_are_one_import(server: TestClient, settings: Settings) -> None:
    add_users(settings, "user@example.com")
    together = Barrier(2, timeout=10)

    def upload() -> None:
        with SessionLocal.begin() as db:
            author = db.scalars(select(User)).one()
            together.wait()
            service.add_import(db, author, numbered(1))
            # The other one gets as far as it can before this one commits.
            sleep(0.2)

    with ThreadPoolExecutor(2) as threads:
        refusals = [run.exception() for run in [threads.submit(upload) for _ in range(2)]]
    assert [type(refusal) for refusal in refusals if refusal] == [Conflict]
    with SessionLocal() as db:
        assert db.scalar(select(func.count()).select_from(PostImport)) == 1


def test_a_process_takes_in_one_file_at_a_time(
    server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = add_users(settings, *(f"user{number}@example.com" for number in range(3)))
    inside: list[int] = []
    lock = Lock()
    most = 0

    def counted(add: Callable[..., PostImport]) -> Callable[..., PostImport]:
        def call(*arguments: Any) -> PostImport:
            nonlocal most
            inside.append(1)
            with lock:
                most = max(most, len(inside))
            sleep(0.1)
            try:
                return add(*arguments)
            finally:
                inside.pop()

        return call

    monkeypatch.setattr(service, "add_import", counted(service.add_import))
    with ThreadPoolExecutor(3) as threads:
        responses = list(threads.map(lambda headers: post(server, headers), users))
    assert [response.status_code for response in responses] == [202] * 3
    assert most == 1


def test_the_rows_of_a_file_are_not_held() -> None:
    document = numbered(5_000).replace(b"Body", b"x" * 200)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_rows(document)) == 5_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(document)
