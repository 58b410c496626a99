"""`app.api.routing`: who learns of an error, in which order errors are answered, and what replaces a dependency."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import pytest
from anyio import to_thread
from fastapi import Depends

from app.api.errors import Conflict, Forbidden
from app.api.routing import HashingRoute, OneHopRoute
from tests.unit.journal import Body, CallerDep, Journal, JournalDep, SessionDep, load_caller, open_session, serve


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    journal = Journal()
    monkeypatch.setattr(to_thread, "run_sync", journal.run_sync)
    return journal


def refuse_caller(session: SessionDep) -> object:
    raise Forbidden("not you")


RefusedDep = Annotated[object, Depends(refuse_caller)]


class TestErrors:
    def test_one_of_the_endpoint_reaches_the_generator(self, journal: Journal) -> None:
        def endpoint(caller: CallerDep) -> None:
            raise Conflict("taken")

        response = serve(journal, endpoint).post("/")
        assert (response.status_code, response.json()) == (409, {"detail": "taken"})
        assert journal.events == ["open", "caller", "undo Conflict", "answer 409"]
        assert len(journal.hops) == len(journal.threads) == 1

    def test_one_of_a_dependency_reaches_the_generator_and_not_the_endpoint(self, journal: Journal) -> None:
        def endpoint(caller: RefusedDep, journal: JournalDep) -> None:
            journal.note("endpoint")

        assert serve(journal, endpoint).post("/").status_code == 403
        assert journal.events == ["open", "undo Forbidden", "answer 403"]

    def test_one_of_the_commit_is_answered(self, journal: Journal) -> None:
        def commit(journal: JournalDep, session: SessionDep) -> Iterator[None]:
            yield
            raise Conflict("too late")

        def endpoint(transaction: Annotated[None, Depends(commit)]) -> str:
            return "done"

        response = serve(journal, endpoint).post("/")
        assert (response.status_code, response.json()) == (409, {"detail": "too late"})
        assert journal.events == ["open", "undo Conflict", "answer 409"]

    def test_a_generator_may_answer_with_another(self, journal: Journal) -> None:
        def translate(journal: JournalDep) -> Iterator[None]:
            try:
                yield
            except LookupError:
                raise Conflict("translated") from None

        def endpoint(translated: Annotated[None, Depends(translate)]) -> None:
            raise LookupError

        response = serve(journal, endpoint).post("/")
        assert (response.status_code, response.json()) == (409, {"detail": "translated"})

    def test_one_that_a_generator_keeps_to_itself_is_no_success(self, journal: Journal) -> None:
        def swallow() -> Iterator[None]:
            with suppress(LookupError):
                yield

        def endpoint(swallowed: Annotated[None, Depends(swallow)]) -> None:
            raise LookupError

        with pytest.raises(RuntimeError, match="caught an exception and raised none"):
            serve(journal, endpoint).post("/")

    def test_generators_close_in_reverse_order(self, journal: Journal) -> None:
        def inner(journal: JournalDep, session: SessionDep) -> Iterator[None]:
            journal.note("open inner")
            yield
            journal.note("close inner")

        def endpoint(outer: SessionDep, inner: Annotated[None, Depends(inner)]) -> None: ...

        serve(journal, endpoint).post("/")
        assert journal.events == ["open", "open inner", "close inner", "commit", "answer 200"]

    def test_the_next_request_is_not_touched(self, journal: Journal) -> None:
        def endpoint(body: Body, caller: CallerDep) -> None:
            if body.number == 0:
                raise Conflict("taken")

        client = serve(journal, endpoint)
        statuses = [client.post("/", json={"number": number}).status_code for number in (0, 1, "x", 1)]
        assert statuses == [409, 200, 422, 200]


class TestInvalidBody:
    def test_a_dependencys_refusal_goes_first(self, journal: Journal) -> None:
        def endpoint(body: Body, caller: RefusedDep) -> None: ...

        response = serve(journal, endpoint).post("/", json={"number": "x"})
        assert (response.status_code, response.json()) == (403, {"detail": "not you"})
        assert journal.events == ["open", "undo Forbidden", "answer 403"]
        assert len(journal.hops) == 1

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"number": "x"}'])
    def test_nothing_is_committed_and_the_endpoint_does_not_run(self, journal: Journal, body: bytes) -> None:
        def endpoint(body: Body, caller: CallerDep, journal: JournalDep) -> None:
            journal.note("endpoint")

        response = serve(journal, endpoint).post("/", content=body)
        assert (response.status_code, response.json()["detail"][0]["loc"][0]) == (422, "body")
        assert journal.events == ["open", "caller", "undo RequestValidationError", "answer 422"]
        assert len(journal.hops) == len(journal.threads) == 1

    def test_a_dependency_whose_own_input_is_invalid_does_not_run(self, journal: Journal) -> None:
        def find(number: int, journal: JournalDep) -> int:
            journal.note("find")
            return number

        def endpoint(found: Annotated[int, Depends(find)], caller: CallerDep) -> None: ...

        response = serve(journal, endpoint).post("/?number=x")
        assert [problem["loc"] for problem in response.json()["detail"]] == [["query", "number"]]
        assert journal.events == ["open", "caller", "undo RequestValidationError", "answer 422"]

    def test_a_route_without_dependencies_needs_no_thread(self, journal: Journal) -> None:
        def endpoint(body: Body) -> None: ...

        assert serve(journal, endpoint).post("/", json={}).status_code == 422
        assert (journal.events, journal.hops) == (["answer 422"], [])

    @pytest.mark.parametrize("number", [1, "x"])
    @pytest.mark.parametrize("route_class", [OneHopRoute, HashingRoute])
    def test_it_is_bounded_as_a_valid_one_is(
        self, journal: Journal, route_class: type[OneHopRoute], number: object
    ) -> None:
        def endpoint(body: Body, caller: CallerDep) -> None: ...

        serve(journal, endpoint, route_class).post("/", json={"number": number})
        assert journal.hops == [route_class.limiter]


class TestOverrides:
    def test_a_dependency_is_replaced_wherever_it_is_used(self, journal: Journal) -> None:
        def endpoint(caller: CallerDep, session: SessionDep) -> list[object]:
            return [caller, session]

        client = serve(journal, endpoint, overrides={open_session: lambda: "another"})
        assert client.post("/").json() == ["another", "another"]
        assert journal.events == ["caller", "answer 200"]

    def test_what_replaces_a_dependency_may_have_dependencies(self, journal: Journal) -> None:
        def endpoint(caller: CallerDep) -> object:
            return caller

        def replacement(session: SessionDep, q: str) -> str:
            return f"{q} of {type(session).__name__}"

        client = serve(journal, endpoint, overrides={load_caller: replacement})
        assert client.post("/?q=caller").json() == "caller of object"
        assert journal.events == ["open", "commit", "answer 200"]

    def test_an_async_one_may_replace_a_synchronous_one(self, journal: Journal) -> None:
        def endpoint(caller: CallerDep) -> object:
            return caller

        async def replacement() -> str:
            return "another"

        client = serve(journal, endpoint, overrides={load_caller: replacement})
        assert client.post("/").json() == "another"
        assert (journal.events, len(journal.hops)) == (["answer 200"], 1)
