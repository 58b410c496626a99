"""`app.api.routing`: what a request does in a thread, how often it goes there, and in which order."""

from collections.abc import AsyncIterator
from threading import get_ident
from typing import Annotated

import pytest
from anyio import to_thread
from fastapi import Depends

from tests.unit.journal import Body, CallerDep, Journal, JournalDep, SessionDep, open_session, serve


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    journal = Journal()
    monkeypatch.setattr(to_thread, "run_sync", journal.run_sync)
    return journal


class TestOneHop:
    def test_dependencies_endpoint_and_commit_share_one_trip_and_one_thread(self, journal: Journal) -> None:
        def endpoint(journal: JournalDep, caller: CallerDep, session: SessionDep) -> dict[str, str]:
            journal.note("endpoint")
            return {"kept": "as it is"}

        response = serve(journal, endpoint).post("/")
        assert (response.status_code, response.json()) == (200, {"kept": "as it is"})
        assert journal.events == ["open", "caller", "endpoint", "commit", "answer 200"]
        assert journal.hops == [None]
        assert len(journal.threads) == 1

    def test_it_is_not_the_thread_of_the_event_loop(self, journal: Journal) -> None:
        loops: list[int] = []

        async def note_loop() -> None:
            loops.append(get_ident())

        def endpoint(journal: JournalDep, _loop: Annotated[None, Depends(note_loop)]) -> None:
            journal.note("endpoint")

        serve(journal, endpoint).post("/")
        assert len(journal.threads | set(loops)) == 2
        assert journal.hops == [None]

    def test_one_session_serves_everything_that_asks_for_it(self, journal: Journal) -> None:
        def endpoint(caller: CallerDep, session: SessionDep, again: SessionDep) -> bool:
            return caller is session is again

        assert serve(journal, endpoint).post("/").json() is True

    def test_each_request_has_a_session_of_its_own(self, journal: Journal) -> None:
        sessions: list[object] = []

        def endpoint(session: SessionDep) -> None:
            sessions.append(session)

        client = serve(journal, endpoint)
        client.post("/")
        client.post("/")
        assert sessions[0] is not sessions[1]
        assert journal.events == ["open", "commit", "answer 200"] * 2

    def test_a_dependency_may_ask_not_to_be_shared(self, journal: Journal) -> None:
        def endpoint(
            first: SessionDep, second: Annotated[object, Depends(open_session, use_cache=False, scope="function")]
        ) -> bool:
            return first is second

        assert serve(journal, endpoint).post("/").json() is False
        assert journal.events == ["open", "open", "commit", "commit", "answer 200"]

    def test_each_way_to_declare_a_dependency_works(self, journal: Journal) -> None:
        class Options:
            def __init__(self, q: str = "nothing") -> None:
                self.q = q

        def number() -> int:
            return 1

        def plain(value: int = Depends(number)) -> int:
            return value + 1

        def endpoint(body: Body, options: Annotated[Options, Depends()], value: int = Depends(plain)) -> list[object]:
            return [body.number, options.q, value]

        response = serve(journal, endpoint).post("/?q=all", json={"number": 3})
        assert response.json() == [3, "all", 2]
        assert journal.hops == [None]

    def test_annotations_may_be_text(self, journal: Journal) -> None:
        def endpoint(session: object) -> bool:
            return type(session) is object

        endpoint.__annotations__ = {"session": "SessionDep", "return": "bool"}
        assert serve(journal, endpoint).post("/").json() is True

    def test_annotations_may_be_for_type_checkers_only(self, journal: Journal) -> None:
        def double(number: int) -> int:
            return number * 2

        def endpoint(session: object, doubled: int = Depends(double)) -> list[object]:
            return [type(session) is object, doubled]

        # As they are under `if TYPE_CHECKING:`.
        double.__annotations__["return"] = "OnlyForTypeCheckers"
        endpoint.__annotations__ = {"session": "SessionDep", "doubled": "OnlyForTypeCheckers"}
        assert serve(journal, endpoint).post("/?number=2").json() == [True, 4]
        assert journal.hops == [None]

    def test_the_schema_shows_the_endpoint_and_not_how_it_runs(self, journal: Journal) -> None:
        def endpoint(body: Body, caller: CallerDep, q: str = "") -> None:
            """Do it."""

        client = serve(journal, endpoint)
        (operation,) = client.get("/openapi.json").json()["paths"]["/"].values()
        assert (operation["summary"], operation["description"]) == ("Endpoint", "Do it.")
        assert [parameter["name"] for parameter in operation["parameters"]] == ["q"]


class TestAsyncEndpoint:
    def test_it_is_left_alone(self, journal: Journal) -> None:
        async def endpoint(journal: JournalDep, session: SessionDep) -> bool:
            journal.events.append("endpoint")
            return type(session) is object

        assert serve(journal, endpoint).post("/").json() is True
        assert journal.events == ["open", "endpoint", "commit", "answer 200"]
        assert len(journal.hops) == 2

    def test_an_async_dependency_gets_the_value_of_a_synchronous_one(self, journal: Journal) -> None:
        def number() -> int:
            return 1

        async def double(value: Annotated[int, Depends(number)]) -> int:
            return value * 2

        def endpoint(value: Annotated[int, Depends(number)], doubled: Annotated[int, Depends(double)]) -> list[int]:
            return [value, doubled]

        assert serve(journal, endpoint).post("/").json() == [1, 2]

    def test_async_dependencies_of_every_kind_stay_on_the_event_loop(self, journal: Journal) -> None:
        class Callable:
            async def __call__(self) -> int:
                return get_ident()

        async def generate() -> AsyncIterator[int]:
            yield get_ident()

        async def call() -> int:
            return get_ident()

        def endpoint(
            one: Annotated[int, Depends(Callable())],
            two: Annotated[int, Depends(generate)],
            three: Annotated[int, Depends(call)],
        ) -> list[bool]:
            return [one == two == three, one != get_ident()]

        assert serve(journal, endpoint).post("/").json() == [True, True]
        assert journal.hops == [None]
