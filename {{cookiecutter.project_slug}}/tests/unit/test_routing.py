"""`app.api.routing`: FastAPI's behaviour in one thread hop per request."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial, wraps
from importlib import import_module
from threading import Event, get_ident
from typing import Annotated, Any

import anyio
import pytest
from anyio import to_thread
from fastapi import BackgroundTasks, Depends, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import SecurityScopes
from httpx2 import ASGITransport, AsyncClient
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from app.api.dependencies import HASHING_THREADS, HashingLimit
from app.api.errors import Conflict, Forbidden
from tests.unit.journal import Body, CallerDep, Journal, JournalDep, SessionDep, load_caller, open_session, serve

PATIENCE = 5


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    journal = Journal()
    monkeypatch.setattr(to_thread, "run_sync", journal.run_sync)
    return journal


def call(value: int = 1) -> int:
    return value


def generate(value: int = 1) -> Iterator[int]:
    yield value


async def call_async(value: int = 1) -> int:
    return value


async def generate_async(value: int = 1) -> AsyncIterator[int]:
    yield value


class Calls:
    def __call__(self, value: int = 1) -> int:
        return value


class Generates:
    def __call__(self, value: int = 1) -> Iterator[int]:
        yield value


class CallsAsync:
    async def __call__(self, value: int = 1) -> int:
        return value


CALLABLES: list[Callable[..., Any]] = [
    *(call, generate, call_async, generate_async),
    *(Calls(), Generates(), CallsAsync()),
]


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options)

    return wrapper


def refuse(session: SessionDep) -> object:
    raise Forbidden("not you")


RefusedDep = Annotated[object, Depends(refuse)]


class TestOneHop:
    def test_dependencies_endpoint_and_commit_share_one_thread(self, journal: Journal) -> None:
        loops: list[int] = []

        async def note_loop() -> None:
            loops.append(get_ident())

        def endpoint(
            journal: JournalDep, caller: CallerDep, session: SessionDep, _: Annotated[None, Depends(note_loop)]
        ) -> bool:
            journal.note("endpoint")
            return caller is session

        response = serve(journal, endpoint).post("/")
        assert (response.status_code, response.json()) == (200, True)
        assert journal.events == ["open", "caller", "endpoint", "commit", "answer 200"]
        assert journal.hops == [None]
        assert (len(journal.threads), len(journal.threads | set(loops))) == (1, 2)

    @pytest.mark.parametrize(
        "dependency",
        [
            *CALLABLES,
            *[partial(one, 1) for one in CALLABLES],
            *[partial(wrapped(one)) for one in CALLABLES[:4]],
            Calls().__call__,
        ],
    )
    def test_any_callable_is_a_dependency(self, journal: Journal, dependency: Callable[..., Any]) -> None:
        def endpoint(value: Annotated[int, Depends(dependency)]) -> int:
            return value

        assert serve(journal, endpoint).post("/").json() == 1
        assert journal.hops == [None]

    @pytest.mark.parametrize(
        ("endpoint", "name", "hops"),
        [
            (call, "Call", 1),
            (wrapped(call), "Call", 1),
            (Calls(), "Deferred", 1),
            (partial(Calls(), 1), "Deferred", 1),
            (generate, "Generate", 2),
            (call_async, "Call Async", 0),
            (wrapped(call_async), "Call Async", 0),
            (partial(CallsAsync(), 1), "Partial", 0),
        ],
    )
    def test_any_callable_is_an_endpoint(
        self, journal: Journal, endpoint: Callable[..., Any], name: str, hops: int
    ) -> None:
        client = serve(journal, endpoint)
        assert client.post("/").json() == 1
        assert len(journal.hops) == hops
        (operation,) = client.get("/openapi.json").json()["paths"]["/"].values()
        assert operation["summary"] == name

    def test_each_way_to_declare_a_dependency_works(self, journal: Journal) -> None:
        class Options:
            def __init__(self, q: str = "nothing") -> None:
                self.q = q

        def plain(value: int = Depends(call)) -> int:
            return value + 1

        def endpoint(
            body: Body, options: Annotated[Options, Depends()], alias: object, text: object, value: int = Depends(plain)
        ) -> list[object]:
            """Do it."""
            return [body.number, options.q, value, alias is text]

        # As `type Caller = Annotated[…]` makes it, which is a syntax error before Python 3.12.
        endpoint.__annotations__["alias"] = import_module("typing_extensions").TypeAliasType("Caller", CallerDep)
        endpoint.__annotations__["text"] = "SessionDep"
        client = serve(journal, endpoint)
        assert client.post("/?q=all", json={"number": 3}).json() == [3, "all", 2, True]
        assert journal.events == ["open", "caller", "commit", "answer 200"]
        assert journal.hops == [None]
        (operation,) = client.get("/openapi.json").json()["paths"]["/"].values()
        assert (operation["summary"], operation["description"]) == ("Endpoint", "Do it.")
        assert [parameter["name"] for parameter in operation["parameters"]] == ["q", "value"]

    def test_parameters_by_type_reach_dependencies_and_endpoint(self, journal: Journal) -> None:
        def read(connection: HTTPConnection, response: Response, tasks: BackgroundTasks, scopes: SecurityScopes) -> str:
            response.headers["Cache-Control"] = "no-store"
            tasks.add_task(journal.note, "task")
            return f"{connection.url.path} {scopes.scope_str}"

        def endpoint(found: Annotated[str, Security(read, scopes=["write"])], request: Request) -> str:
            return f"{request.method} {found}"

        response = serve(journal, endpoint).post("/")
        assert (response.json(), response.headers["Cache-Control"]) == ("POST / write", "no-store")
        assert journal.events == ["answer 200", "task"]

    def test_a_dependency_may_ask_not_to_be_cached(self, journal: Journal) -> None:
        def endpoint(
            first: SessionDep, second: Annotated[object, Depends(open_session, use_cache=False, scope="function")]
        ) -> bool:
            return first is second

        assert serve(journal, endpoint).post("/").json() is False
        assert journal.events == ["open", "open", "commit", "commit", "answer 200"]


class TestAsync:
    def test_an_async_endpoint_is_left_alone(self, journal: Journal) -> None:
        async def endpoint(journal: JournalDep, session: SessionDep) -> bool:
            journal.events.append("endpoint")
            return type(session) is object

        client = serve(journal, endpoint, dependencies=[Depends(load_caller)])
        assert client.post("/").json() is True
        assert journal.events == ["open", "caller", "endpoint", "commit", "answer 200"]

    def test_an_async_dependency_gets_the_value_of_a_synchronous_one(self, journal: Journal) -> None:
        async def double(value: Annotated[int, Depends(call)]) -> int:
            return value * 2

        def endpoint(value: Annotated[int, Depends(call)], doubled: Annotated[int, Depends(double)]) -> list[int]:
            return [value, doubled]

        assert serve(journal, endpoint).post("/").json() == [1, 2]

    def test_a_request_within_a_request_leaves_its_dependencies_alone(self, journal: Journal) -> None:
        async def ask_itself(request: Request) -> None:
            if request.url.query == "":
                async with AsyncClient(transport=ASGITransport(request.app), base_url="http://test") as client:
                    await client.post("/?inner=1")

        def endpoint(caller: RefusedDep, asked: Annotated[None, Depends(ask_itself)]) -> None: ...

        assert serve(journal, endpoint).post("/").status_code == 403


class TestErrors:
    def test_the_endpoints_reaches_the_generators_in_reverse_order(self, journal: Journal) -> None:
        def inner(journal: JournalDep, session: SessionDep) -> Iterator[None]:
            with suppress(LookupError):
                yield
            journal.note("inner")
            raise Conflict("translated")

        def endpoint(inner: Annotated[None, Depends(inner)]) -> None:
            raise LookupError

        response = serve(journal, endpoint).post("/")
        assert (response.status_code, response.json()) == (409, {"detail": "translated"})
        assert journal.events == ["open", "inner", "undo Conflict", "answer 409"]
        assert journal.hops == [None]

    def test_one_that_a_generator_swallows_is_no_success(self, journal: Journal) -> None:
        def swallow() -> Iterator[None]:
            with suppress(LookupError):
                yield

        def endpoint(swallowed: Annotated[None, Depends(swallow)]) -> None:
            raise LookupError

        with pytest.raises(RuntimeError, match="caught an exception and raised none"):
            serve(journal, endpoint).post("/")

    @pytest.mark.parametrize("body", [b'{"number": 1}', b'{"number": "x"}', b"[]"])
    @pytest.mark.parametrize("dependencies", [[], [Depends(refuse)]], ids=["parameter", "route"])
    def test_a_refusal_goes_before_an_invalid_body(
        self, journal: Journal, dependencies: list[Any], body: bytes
    ) -> None:
        def by_parameter(body: Body, caller: RefusedDep) -> None: ...

        def by_route(body: Body) -> None: ...

        client = serve(journal, by_route if dependencies else by_parameter, dependencies=dependencies)
        assert client.post("/", content=body).status_code == 403
        assert journal.events == ["open", "undo Forbidden", "answer 403"]
        assert journal.hops == [None]

    def test_nothing_is_committed_with_an_invalid_body_or_parameter(self, journal: Journal) -> None:
        def find(number: int, journal: JournalDep) -> None:
            journal.note("find")

        def endpoint(body: Body, found: Annotated[None, Depends(find)], caller: CallerDep) -> None: ...

        response = serve(journal, endpoint).post("/?number=x", json={"number": "x"})
        assert [problem["loc"] for problem in response.json()["detail"]] == [["query", "number"], ["body", "number"]]
        assert journal.events == ["open", "caller", "undo RequestValidationError", "answer 422"]
        assert journal.hops == [None]

    def test_an_endpoint_that_finds_its_input_invalid_runs_once(self, journal: Journal) -> None:
        def endpoint(caller: CallerDep) -> None:
            raise RequestValidationError([])

        assert serve(journal, endpoint).post("/").status_code == 422
        assert journal.events == ["open", "caller", "undo RequestValidationError", "answer 422"]


class TestOverrides:
    def test_a_dependency_is_replaced_wherever_it_is_used(self, journal: Journal) -> None:
        async def open_other(q: str) -> str:
            return q

        def describe_caller(session: SessionDep) -> str:
            return f"caller of {session}"

        def endpoint(caller: CallerDep, session: SessionDep) -> list[object]:
            return [caller, session]

        client = serve(journal, endpoint, overrides={open_session: open_other, load_caller: describe_caller})
        assert client.post("/?q=other").json() == ["caller of other", "other"]


class TestDependenciesWithoutParameter:
    def test_they_run_first_in_the_same_hop_and_share_their_values(self, journal: Journal) -> None:
        def endpoint(journal: JournalDep, session: SessionDep, caller: CallerDep) -> None:
            journal.note("endpoint")

        client = serve(
            journal, endpoint, router_dependencies=[Depends(load_caller)], dependencies=[Depends(load_caller)]
        )
        assert client.post("/").status_code == 200
        assert journal.events == ["open", "caller", "endpoint", "commit", "answer 200"]
        assert journal.hops == [None]

    def test_those_of_an_inclusion_run_before_the_hop(self, journal: Journal) -> None:
        def endpoint(body: Body, session: SessionDep) -> None: ...

        client = serve(journal, endpoint, inclusion_dependencies=[Depends(load_caller)])
        assert client.post("/", json={"number": 1}).status_code == 200
        assert journal.events == ["open", "caller", "open", "commit", "commit", "answer 200"]

        client = serve(journal, endpoint, inclusion_dependencies=[Depends(refuse)])
        assert client.post("/").status_code == 403


class TestLimits:
    @pytest.mark.parametrize("dependency", [call, generate, Calls()])
    def test_max_concurrency_is_refused_where_it_would_be_ignored(self, dependency: Callable[..., Any]) -> None:
        limited = Depends(dependency, max_concurrency=1)

        def endpoint(value: Annotated[int, limited]) -> int:
            return value

        with pytest.raises(TypeError, match="max_concurrency"):
            serve(Journal(), endpoint)
        with pytest.raises(TypeError, match="max_concurrency"):
            serve(Journal(), call, dependencies=[limited])

    def test_few_hash_at_a_time_and_the_others_are_served_meanwhile(self) -> None:
        gate = Event()
        statuses: list[int] = []

        def wait() -> None:
            assert gate.wait(PATIENCE)

        async def post(client: TestClient) -> None:
            async with AsyncClient(transport=ASGITransport(client.app), base_url="http://test") as one:
                statuses.append((await one.post("/")).status_code)

        async def main() -> None:
            limiter = to_thread.current_default_thread_limiter()
            limiter.total_tokens = HASHING_THREADS + 1
            hashing = serve(Journal(), wait, dependencies=[HashingLimit])
            async with anyio.create_task_group() as tasks:
                for _ in range(HASHING_THREADS + 3):
                    tasks.start_soon(post, hashing)
                await anyio.wait_all_tasks_blocked()
                assert (limiter.borrowed_tokens, limiter.statistics().tasks_waiting) == (HASHING_THREADS, 0)
                await post(serve(Journal(), call))
                assert statuses == [200]
                gate.set()

        anyio.run(main)
        assert statuses == [200] * (HASHING_THREADS + 4)
