"""One thread hop per request.

FastAPI runs each plain `def` dependency, its clean-up, the endpoint and the check of its result in the thread pool, one
hop each. Under load those hops cost more than the work, and a request that holds a database connection between two hops
can wait for a thread whose owner waits for a connection. Here they all run in one hop: a request holds a thread for as
long as it holds a connection, and neither waits for the other.

Routes and dependencies are written as everywhere; `APIRouter(route_class=OneHopRoute)` is all it takes. `async def`
dependencies run on the event loop before the hop, so they must not block; an `async def` endpoint is left alone.
"""

import inspect
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

HASHING_THREADS = 2
_REQUEST = "one_hop_request"
_STEPS = "one_hop_steps"


class Step:
    """A synchronous dependency whose arguments are known and whose call waits for the hop."""

    def __init__(self, call: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self.call = call
        self.arguments = arguments
        self.value: Any = None

    def run(self, stack: ExitStack) -> None:
        """Call it, leaving what it must clean up on the stack."""
        arguments = settled(self.arguments)
        if inspect.isgeneratorfunction(self.call):
            self.value = stack.enter_context(contextmanager(self.call)(**arguments))
        else:
            self.value = self.call(**arguments)


def settled(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with the value of each step in its place."""
    return {name: value.value if isinstance(value, Step) else value for name, value in arguments.items()}


class Deferred:
    """Stands for a synchronous dependency: FastAPI awaits it and gets a `Step` instead of hopping to a thread.

    Equal to what it stands for, so that `dependency_overrides` and FastAPI's cache within a request know it.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call
        self.__signature__ = deferring_signature(call)

    def __eq__(self, other: object) -> bool:
        return self.call == (other.call if isinstance(other, Deferred) else other)

    def __hash__(self) -> int:
        return hash(self.call)

    async def __call__(self, **arguments: Any) -> Step:
        request: HTTPConnection = arguments.pop(_REQUEST)
        step = Step(self.call, arguments)
        request.scope.setdefault(_STEPS, []).append(step)
        return step


def deferring_signature(call: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of `call` with its synchronous dependencies deferred, and the request added."""
    signature = inspect.signature(call, eval_str=True)
    parameters = [deferring_parameter(parameter) for parameter in signature.parameters.values()]
    # FastAPI hands the request to one parameter of each of these types: this one is not to take it from one of `call`.
    kind = Request if HTTPConnection in {parameter.annotation for parameter in parameters} else HTTPConnection
    request = inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
    return signature.replace(parameters=[*parameters, request])


def deferring_parameter(parameter: inspect.Parameter) -> inspect.Parameter:
    """Return the parameter as a keyword, its synchronous dependency deferred where it has one."""
    described, *metadata = get_args(parameter.annotation) if is_annotated(parameter) else (parameter.annotation,)
    for item in (*metadata, parameter.default):
        if isinstance(item, Depends) and not is_async(item.dependency or described):
            call = item.dependency or described
            # The scope, which nothing reads otherwise, keeps a step apart from the value of the same dependency, which
            # FastAPI has in its cache where an `async def` one asked for it.
            scope: Literal["function"] | None = None if inspect.isgeneratorfunction(call) else "function"
            # As a default, not in `Annotated`: typing caches that by equality, and would give the original back.
            deferred = replace(item, dependency=_deferred(call), scope=scope)
            parameter = parameter.replace(annotation=described, default=deferred)
    return parameter.replace(kind=parameter.KEYWORD_ONLY)


def is_annotated(parameter: inspect.Parameter) -> bool:
    return get_origin(parameter.annotation) is Annotated


# One object for each dependency, so that two routes share it and its signature is read once.
_deferred = lru_cache(maxsize=None)(Deferred)


def is_async(call: Callable[..., Any]) -> bool:
    """Return whether FastAPI would run it on the event loop."""
    return any(
        inspect.iscoroutinefunction(candidate) or inspect.isasyncgenfunction(candidate)
        for candidate in (call, getattr(call, "__call__", None))  # noqa: B004 - looks at it, does not test for it
    )


def run_in_one_hop(endpoint: Callable[..., Any], limiter: CapacityLimiter | None) -> Callable[..., Any]:
    """Return an `async def` endpoint that runs the waiting steps, the endpoint and the clean-up in one thread hop."""

    async def hop(**arguments: Any) -> Any:
        request: HTTPConnection = arguments.pop(_REQUEST)
        steps: list[Step] = request.scope.pop(_STEPS, [])

        def work() -> Any:
            with ExitStack() as stack:
                run_steps(steps, stack)
                return endpoint(**settled(arguments))

        return await to_thread.run_sync(work, limiter=limiter)

    hop.__name__ = endpoint.__name__
    hop.__doc__ = endpoint.__doc__
    hop.__module__ = endpoint.__module__
    hop.__signature__ = deferring_signature(endpoint)  # type: ignore[attr-defined] # functions take it, typeshed omits it
    return hop


def run_steps(steps: list[Step], stack: ExitStack) -> None:
    for step in steps:
        step.run(stack)


class OneHopRoute(APIRoute):
    """A route whose synchronous work takes one hop; `limiter` bounds how many of them run at a time."""

    limiter: CapacityLimiter | None = None

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if not (is_async(endpoint) or inspect.isgeneratorfunction(endpoint)):
            endpoint = run_in_one_hop(endpoint, self.limiter)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as invalid:
                steps: list[Step] = request.scope.pop(_STEPS, [])
                if not steps:
                    raise

                # A dependency's refusal goes before the body's: who may not write is not told what is wrong with it.
                def refuse(error: RequestValidationError = invalid) -> None:
                    with ExitStack() as stack:
                        run_steps(steps, stack)
                        raise error

                await to_thread.run_sync(refuse, limiter=self.limiter)
                raise

        return handler


class HashingRoute(OneHopRoute):
    """A route that hashes a password: few at a time, so that the others keep their threads and memory stays flat."""

    limiter = CapacityLimiter(HASHING_THREADS)
