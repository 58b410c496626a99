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
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response, routing
from fastapi.dependencies.utils import (
    get_parameterless_sub_dependant,
    get_typed_return_annotation,
    get_typed_signature,
)
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from starlette.requests import HTTPConnection
from starlette.routing import get_name

from app.api.callables import is_async, is_generator

HASHING_THREADS = 2
_REQUEST = "one_hop_request"
_STEPS = "one_hop_steps"
# FastAPI builds the handler of a route again for each router that includes it, and says only here for which.
_inclusion: ContextVar[Any] = getattr(routing, "_effective_route_context_var", ContextVar("inclusion", default=None))

_in_one_hop: ContextVar[bool] = ContextVar("in_one_hop", default=False)


def in_one_hop() -> bool:
    """Return whether this thread runs the dependencies of a request and then its endpoint, with nothing in between."""
    return _in_one_hop.get()


class Step:
    """A synchronous dependency whose arguments are known and whose call waits for the hop."""

    def __init__(self, deferred: "Deferred", arguments: dict[str, Any]) -> None:
        self.deferred = deferred
        self.arguments = arguments
        self.value: Any = None

    def run(self, stack: ExitStack) -> None:
        """Call it, leaving what it must clean up on the stack."""
        arguments = settled(self.arguments)
        if self.deferred.manager is None:
            self.value = self.deferred.call(**arguments)
        else:
            self.value = stack.enter_context(self.deferred.manager(**arguments))


def settled(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with the value of each step in its place."""
    return {name: value.value if isinstance(value, Step) else value for name, value in arguments.items()}


class Deferred:
    """Stands for a synchronous dependency: FastAPI awaits it and gets a `Step` instead of hopping to a thread.

    Equal to what it stands for, so that `dependency_overrides` and FastAPI's cache within a request know it.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call
        self.manager = contextmanager(call) if is_generator(call) else None
        self.__signature__ = deferring_signature(call)

    def __eq__(self, other: object) -> bool:
        return self.call == (other.call if isinstance(other, Deferred) else other)

    def __hash__(self) -> int:
        return hash(self.call)

    async def __call__(self, **arguments: Any) -> Step:
        request: HTTPConnection = arguments.pop(_REQUEST)
        step = Step(self, arguments)
        request.scope.setdefault(_STEPS, []).append(step)
        return step


def deferring_signature(call: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of `call` with its synchronous dependencies deferred, and the request added."""
    # As FastAPI reads it: names that exist for type checkers only stay unresolved.
    parameters = [deferring_parameter(parameter) for parameter in get_typed_signature(call).parameters.values()]
    # FastAPI hands the request to one parameter of each of these types: this one is not to take it from one of `call`.
    kind = Request if HTTPConnection in [parameter.annotation for parameter in parameters] else HTTPConnection
    request = inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
    return inspect.Signature([*parameters, request], return_annotation=get_typed_return_annotation(call))


def deferring_parameter(parameter: inspect.Parameter) -> inspect.Parameter:
    """Return the parameter as a keyword, its synchronous dependency deferred where it has one."""
    # What `type Caller = Annotated[…]` stands for is in its `__value__`.
    annotation = getattr(parameter.annotation, "__value__", parameter.annotation)
    described, *metadata = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    for item in (*metadata, parameter.default):
        if isinstance(item, Depends):
            # As a default, not in `Annotated`: typing caches that by equality, and would give the original back.
            parameter = parameter.replace(annotation=described, default=deferring(item, described))
    return parameter.replace(kind=parameter.KEYWORD_ONLY)


def deferring(depends: Depends, described: Any = None) -> Depends:
    """Return the declaration with its dependency deferred if that is synchronous."""
    call = depends.dependency or described
    if is_async(call):
        return depends
    # The scope, which nothing reads otherwise, keeps a step apart from the value of the same dependency, which FastAPI
    # has in its cache where an `async def` one asked for it.
    scope: Literal["function"] | None = None if is_generator(call) else "function"
    return replace(depends, dependency=_deferred(call), scope=scope)


# One object for each dependency, so that two routes share it and its signature is read once.
_deferred = lru_cache(maxsize=None)(Deferred)


def run_in_one_hop(endpoint: Callable[..., Any], limiter: CapacityLimiter | None) -> Callable[..., Any]:
    """Return an `async def` endpoint that runs the waiting steps, the endpoint and the clean-up in one thread hop."""

    async def hop(**arguments: Any) -> Any:
        request: HTTPConnection = arguments.pop(_REQUEST)
        steps: list[Step] = request.scope.pop(_STEPS, [])

        def work() -> Any:
            with ExitStack() as stack:
                run_steps(steps, stack)
                return endpoint(**settled(arguments))
            raise RuntimeError("A dependency with `yield` caught an exception and raised none")

        return await to_thread.run_sync(work, limiter=limiter)

    hop.__name__ = get_name(endpoint)
    hop.__doc__ = endpoint.__doc__
    hop.__module__ = endpoint.__module__
    hop.__signature__ = deferring_signature(endpoint)  # type: ignore[attr-defined] # functions take it, typeshed omits it
    return hop


def run_steps(steps: list[Step], stack: ExitStack) -> None:
    # In the context of this thread, which ends with the hop.
    _in_one_hop.set(True)
    for step in steps:
        step.run(stack)


class OneHopRoute(routing.APIRoute):
    """A route whose synchronous work takes one hop; `limiter` bounds how many of them run at a time."""

    limiter: CapacityLimiter | None = None

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.folded = not (is_async(endpoint) or is_generator(endpoint))
        if self.folded:
            endpoint = run_in_one_hop(endpoint, self.limiter)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        if self.folded:
            # Those in `dependencies=` of the route and of the routers around it come first, and have no parameter.
            route = _inclusion.get() or self
            waiting = [
                get_parameterless_sub_dependant(depends=deferring(depends), path=route.path_format)
                for depends in route.dependencies
            ]
            route.dependant.dependencies[: len(waiting)] = waiting
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
