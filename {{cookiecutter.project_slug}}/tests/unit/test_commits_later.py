"""Work that the client of a request does not wait for: done after the answer, and not at all after a refusal."""

from functools import partial
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from app.api.errors import Conflict, SessionRevoked, install_handlers
from app.api.routing import OneHopRoute
from app.database import SessionDep
from app.database.commits import after_commit, later
from tests.unit.journal import Journal, JournalDep, NotesAnswers


def fail(journal: Journal) -> None:
    journal.note("failed")
    raise LookupError


class TestLaterOfRequests:
    @staticmethod
    def ask(refusal: Exception | None, **options: Any) -> tuple[Journal, int]:
        """Serve one request that asks for work and is then refused, or not; return what happened and its status."""
        journal = Journal()

        def endpoint(db: SessionDep, journal: JournalDep) -> None:
            db.execute(text("SELECT 1"))
            later(db, journal.note, "first")
            later(db, fail, journal)
            later(db, journal.note, "second")
            after_commit(db, journal.note, "commit")
            if refusal is not None:
                raise refusal

        app = FastAPI()
        app.state.journal = journal
        app.add_middleware(partial(NotesAnswers, journal=journal))
        install_handlers(app)
        app.router.route_class = OneHopRoute
        app.add_api_route("/", endpoint, methods=["POST"])
        response = TestClient(app, **options).post("/")
        return journal, response.status_code

    def test_it_is_done_after_the_answer(self, schema: None) -> None:
        journal, status = self.ask(None)
        assert status == 200
        assert journal.events == ["commit", "answer 200", "first", "failed", "second"]

    def test_it_is_not_done_after_a_refusal(self, schema: None) -> None:
        journal, status = self.ask(Conflict("no"))
        assert (status, journal.events) == (409, ["answer 409"])

    def test_it_is_not_done_after_a_bug(self, schema: None) -> None:
        journal, status = self.ask(LookupError("bug"), raise_server_exceptions=False)
        assert (status, journal.events) == (500, [])

    def test_a_refusal_that_keeps_its_changes_keeps_what_waits_for_the_commit(self, schema: None) -> None:
        journal, status = self.ask(SessionRevoked("no"))
        assert (status, journal.events) == (401, ["commit", "answer 401"])
