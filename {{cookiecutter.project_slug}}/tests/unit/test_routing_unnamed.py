"""`app.api.routing`: what stands in `dependencies=` runs in the same hop as what the endpoint asks for by a parameter."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Security, params
from fastapi.security import SecurityScopes
from starlette.testclient import TestClient

from app.api.errors import Forbidden, install_handlers
from app.api.routing import OneHopRoute
from tests.unit.journal import Body, CallerDep, Journal, JournalDep, NotesAnswers, SessionDep, load_caller

LEVELS = ["route", "router", "inclusion", "inclusion of the inclusion", "application"]


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    journal = Journal()
    monkeypatch.setattr(to_thread, "run_sync", journal.run_sync)
    return journal


def serve(journal: Journal, endpoint: Callable[..., Any], *levels: str, dependency: params.Depends) -> TestClient:
    """Return a client of an application with this endpoint, where each of the levels has the dependency."""
    route, router, inclusion, outer, application = ([dependency] if level in levels else [] for level in LEVELS)
    inner = APIRouter(route_class=OneHopRoute, dependencies=router)
    inner.add_api_route("/", endpoint, methods=["POST"], dependencies=route)
    middle = APIRouter()
    middle.include_router(inner, dependencies=inclusion)
    app = FastAPI(dependencies=application)
    app.include_router(middle, dependencies=outer)
    app.state.journal = journal
    app.add_middleware(NotesAnswers, journal=journal)
    install_handlers(app)
    return TestClient(app)


def guard(journal: JournalDep, session: SessionDep) -> None:
    journal.note("guard")


def refuse(session: SessionDep) -> None:
    raise Forbidden("not you")


@pytest.mark.parametrize("level", LEVELS)
class TestEachLevel:
    def test_it_runs_in_the_one_hop_before_what_the_endpoint_asks_for(self, journal: Journal, level: str) -> None:
        def endpoint(journal: JournalDep, caller: CallerDep, session: SessionDep) -> None:
            journal.note("endpoint")

        assert serve(journal, endpoint, level, dependency=Depends(guard)).post("/").status_code == 200
        assert journal.events == ["open", "guard", "caller", "endpoint", "commit", "answer 200"]
        assert journal.hops == [None]
        assert len(journal.threads) == 1

    def test_it_shares_its_value_with_a_parameter(self, journal: Journal, level: str) -> None:
        def endpoint(caller: CallerDep) -> None: ...

        serve(journal, endpoint, level, dependency=Depends(load_caller)).post("/")
        assert journal.events == ["open", "caller", "commit", "answer 200"]

    def test_its_refusal_goes_before_the_endpoint_and_the_body(self, journal: Journal, level: str) -> None:
        def endpoint(body: Body, journal: JournalDep) -> None:
            journal.note("endpoint")

        client = serve(journal, endpoint, level, dependency=Depends(refuse))
        statuses = [client.post("/", json={"number": number}).status_code for number in (1, "x")]
        assert statuses == [403, 403]
        assert journal.events == ["open", "undo Forbidden", "answer 403"] * 2
        assert journal.hops == [None, None]

    def test_what_it_reads_is_checked_and_documented(self, journal: Journal, level: str) -> None:
        def need(version: int) -> None: ...

        def endpoint() -> None: ...

        client = serve(journal, endpoint, level, dependency=Depends(need))
        assert [client.post("/", params={"version": version}).status_code for version in ("1", "x")] == [200, 422]
        (operation,) = client.get("/openapi.json").json()["paths"]["/"].values()
        assert [parameter["name"] for parameter in operation["parameters"]] == ["version"]

    def test_it_knows_its_scopes(self, journal: Journal, level: str) -> None:
        def need(journal: JournalDep, scopes: SecurityScopes) -> None:
            journal.note(f"scopes {scopes.scope_str}")

        def endpoint() -> None: ...

        serve(journal, endpoint, level, dependency=Security(need, scopes=["read"])).post("/")
        assert journal.events == ["scopes read", "answer 200"]
        assert journal.hops == [None]

    def test_an_async_endpoint_is_left_alone(self, journal: Journal, level: str) -> None:
        async def endpoint(journal: JournalDep) -> None:
            journal.events.append("endpoint")

        assert serve(journal, endpoint, level, dependency=Depends(guard)).post("/").status_code == 200
        assert journal.events[:3] == ["open", "guard", "endpoint"]


def test_all_levels_together_are_one_hop_and_each_value_is_loaded_once(journal: Journal) -> None:
    def endpoint(caller: Annotated[object, Depends(load_caller)]) -> None: ...

    serve(journal, endpoint, *LEVELS, dependency=Depends(load_caller)).post("/")
    assert journal.events == ["open", "caller", "commit", "answer 200"]
    assert journal.hops == [None]


def test_what_only_one_inclusion_asks_for_is_not_asked_of_another(journal: Journal) -> None:
    def endpoint() -> None: ...

    router = APIRouter(route_class=OneHopRoute)
    router.add_api_route("/", endpoint, methods=["POST"])
    app = FastAPI()
    app.state.journal = journal
    app.include_router(router, prefix="/guarded", dependencies=[Depends(guard)])
    app.include_router(router, prefix="/open")
    client = TestClient(app)
    assert [client.post(path).status_code for path in ("/guarded/", "/open/")] == [200, 200]
    assert journal.events == ["open", "guard", "commit"]
    assert journal.hops == [None, None]
