"""`GET /health/live` and `GET /health/ready`."""

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from app.api.dependencies import HASHING_THREADS
from app.database import SessionLocal, engine
from app.database.commits import BACKGROUND_THREADS
from app.observability import health
from app.observability.checks import NEEDED
from app.settings import Settings
from tests.client import Client


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server that takes every connection and never says a word; nobody waits long for it."""
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()
    # The check that is still waiting fails now; a later test would share its answer.
    NEEDED["database"].thread.submit(lambda: None).result()


class TestLive:
    def test_it_answers(self, anon_client: Client) -> None:
        response = anon_client.get("/health/live")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})

    def test_it_answers_without_a_database(self, anon_client: Client, database_down: None) -> None:
        response = anon_client.get("/health/live")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


class TestReady:
    def test_it_answers_when_the_database_does(self, anon_client: Client, caplog: pytest.LogCaptureFixture) -> None:
        response = anon_client.get("/health/ready")
        assert (response.status_code, response.json()) == (200, dict.fromkeys(("status", *NEEDED), "ok"))
        assert caplog.records == []

    def test_it_names_the_database_when_that_is_down(
        self, anon_client: Client, database_down: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = anon_client.get("/health/ready")
        assert response.status_code == 503
        assert response.json() == {"detail": "Not ready: the database does not answer"}
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("app.observability.health", logging.WARNING)
        assert record.getMessage().startswith("The database does not answer: ")

    def test_the_client_learns_nothing_of_where_it_is(self, anon_client: Client, database_down: None) -> None:
        assert "folder" not in anon_client.get("/health/ready").text

    def test_it_does_not_wait_for_ever(
        self,
        anon_client: Client,
        silent_server: tuple[str, int],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        attempts = count()

        def connect() -> None:
            next(attempts)
            with socket.create_connection(silent_server) as connection:
                connection.recv(1)
            raise OSError("the server hung up")

        monkeypatch.setitem(SessionLocal.kw, "bind", create_engine(engine.url, creator=connect))
        assert [anon_client.get("/health/ready").status_code for _ in range(3)] == [503] * 3
        assert [record.getMessage() for record in caplog.records] == [
            "The database does not answer: TimeoutError()"
        ] * 3
        assert anon_client.get("/health/live").status_code == 200
        assert next(attempts) == 1

    # {% if cookiecutter.__database_server %}
    def test_it_does_not_wait_for_a_server_that_takes_the_connection_and_says_nothing(
        self, anon_client: Client, silent_server: tuple[str, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        host, port = silent_server
        silent = create_engine(engine.url.set(host=host, port=port))
        monkeypatch.setitem(SessionLocal.kw, "bind", silent)
        assert anon_client.get("/health/ready").status_code == 503

    # {% endif %}
    def test_it_is_ready_again_when_the_database_is_back(
        self, anon_client: Client, monkeypatch: pytest.MonkeyPatch, database_down: None
    ) -> None:
        assert anon_client.get("/health/ready").status_code == 503
        monkeypatch.undo()
        assert anon_client.get("/health/ready").status_code == 200

    def test_it_holds_no_connection_afterwards(self, anon_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(SessionLocal.kw, "bind", engine)
        assert isinstance(engine.pool, QueuePool)
        held = engine.pool.checkedout()
        assert anon_client.get("/health/ready").status_code == 200
        assert engine.pool.checkedout() == held

    def test_a_connection_is_left_when_every_thread_holds_one(
        self, anon_client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        monkeypatch.setitem(SessionLocal.kw, "bind", engine)
        assert isinstance(engine.pool, QueuePool)
        with ExitStack() as held:
            threads = settings.request_threads + HASHING_THREADS + BACKGROUND_THREADS
            for _ in range(threads - engine.pool.checkedout()):
                held.enter_context(engine.connect())
            assert anon_client.get("/health/ready").status_code == 200

    @pytest.mark.parametrize("token", ["forged", ""])
    def test_a_bad_token_makes_no_difference(self, anon_client: Client, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        for path in ("/health/live", "/health/ready"):
            assert anon_client.get(path, headers=headers).status_code == 200
