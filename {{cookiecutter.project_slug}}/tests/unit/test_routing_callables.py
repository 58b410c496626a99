"""`app.api.routing`: an endpoint or a dependency may be any callable that FastAPI takes, and is run as FastAPI would."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial, wraps
from importlib import import_module
from typing import Annotated, Any

import pytest
from anyio import to_thread
from fastapi import Depends, Request

from tests.unit.journal import CallerDep, Journal, SessionDep, serve


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    journal = Journal()
    monkeypatch.setattr(to_thread, "run_sync", journal.run_sync)
    return journal


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options)

    return wrapper


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


class GeneratesAsync:
    async def __call__(self, value: int = 1) -> AsyncIterator[int]:
        yield value


FUNCTIONS: list[Callable[..., Any]] = [call, generate, call_async, generate_async]
INSTANCES: list[Callable[..., Any]] = [Calls(), Generates(), CallsAsync(), GeneratesAsync()]


class TestDependency:
    @pytest.mark.parametrize(
        "dependency",
        [
            *FUNCTIONS,
            *INSTANCES,
            *[partial(one, 1) for one in (*FUNCTIONS, *INSTANCES)],
            *[wrapped(one) for one in FUNCTIONS],
            *[partial(wrapped(one)) for one in FUNCTIONS],
            *[wrapped(wrapped(one)) for one in FUNCTIONS],
            Calls().__call__,
            Generates().__call__,
        ],
    )
    def test_the_endpoint_gets_its_value_in_one_hop(self, journal: Journal, dependency: Callable[..., Any]) -> None:
        def endpoint(value: Annotated[int, Depends(dependency)]) -> int:
            return value

        assert serve(journal, endpoint).post("/").json() == 1
        assert journal.hops == [None]

    def test_a_class_is_called_and_not_its_instance(self, journal: Journal) -> None:
        def endpoint(
            value: Annotated[object, Depends(CallsAsync)], other: Annotated[object, Depends(Generates)]
        ) -> str:
            return f"{type(value).__name__}, {type(other).__name__}"

        assert serve(journal, endpoint).post("/").json() == "CallsAsync, Generates"
        assert journal.hops == [None]

    def test_a_decorator_may_ask_for_more_than_what_it_wraps(self, journal: Journal) -> None:
        def load(session: SessionDep, number: int) -> int:
            return number

        @wraps(load)
        def describe(*, request: Request, **arguments: Any) -> str:
            return f"{request.method} {load(**arguments)}"

        signature = inspect.signature(load)
        more = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
        described = signature.replace(parameters=[*signature.parameters.values(), more])
        describe.__signature__ = described  # type: ignore[attr-defined] # functions take it, typeshed omits it

        def endpoint(text: Annotated[str, Depends(describe)]) -> str:
            return text

        assert serve(journal, endpoint).post("/?number=3").json() == "POST 3"
        assert journal.hops == [None]

    def test_its_declaration_may_have_a_name(self, journal: Journal) -> None:
        # As `type Caller = Annotated[…]` makes it, which is a syntax error before Python 3.12.
        alias = import_module("typing_extensions").TypeAliasType("Caller", CallerDep)

        def endpoint(caller: object, again: CallerDep, session: SessionDep) -> bool:
            return caller is again is session

        endpoint.__annotations__["caller"] = alias
        assert serve(journal, endpoint).post("/").json() is True
        assert journal.events == ["open", "caller", "commit", "answer 200"]
        assert journal.hops == [None]


class TestEndpoint:
    @pytest.mark.parametrize(
        ("endpoint", "name"),
        [
            (call, "Call"),
            (wrapped(call), "Call"),
            (Calls(), "Calls"),
            (partial(call, 1), "Partial"),
            (partial(Calls(), 1), "Partial"),
        ],
    )
    def test_a_synchronous_one_takes_one_hop(self, journal: Journal, endpoint: Callable[..., Any], name: str) -> None:
        client = serve(journal, endpoint)
        assert client.post("/").json() == 1
        assert journal.hops == [None]
        (operation,) = client.get("/openapi.json").json()["paths"]["/"].values()
        assert operation["summary"] == name

    @pytest.mark.parametrize(
        "endpoint", [call_async, wrapped(call_async), partial(call_async, 1), CallsAsync(), partial(CallsAsync(), 1)]
    )
    def test_an_async_one_is_awaited(self, journal: Journal, endpoint: Callable[..., Any]) -> None:
        assert serve(journal, endpoint).post("/").json() == 1
        assert journal.hops == []

    @pytest.mark.parametrize("endpoint", [generate, wrapped(generate), partial(generate, 1), Generates()])
    def test_a_generator_streams_as_it_would_elsewhere(self, journal: Journal, endpoint: Callable[..., Any]) -> None:
        assert serve(journal, endpoint).post("/").text == "1\n"
