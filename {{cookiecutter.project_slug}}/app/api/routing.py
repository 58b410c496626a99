"""`APIRouter(route_class=OneHopRoute)`: a request's `def` dependencies, endpoint and clean-up in one thread hop, not many.

So a request keeps a thread for as long as it keeps a database connection, and never waits for one holding the other.
"""

import inspect
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial, update_wrapper
from typing import Annotated, Any, get_args, get_origin

from anyio import to_thread
from fastapi import Request, Response, params, routing
from fastapi.exceptions import RequestValidationError

in_one_hop: ContextVar[bool] = ContextVar("in_one_hop", default=False)  # Whether this thread runs all of a request.
_steps: ContextVar[list["Step"]] = ContextVar("steps")


class OutsideOneHop(params.Depends):
    """A dependency for routes that FastAPI runs; a one-hop route leaves its parameter out."""


class Deferred:
    """Stands in for a synchronous dependency or endpoint: FastAPI awaits it, and gets a `Step` for a dependency's value."""

    def __init__(self, call: Callable[..., Any], *, is_endpoint: bool = False) -> None:
        self.call, self.is_endpoint = call, is_endpoint
        self.enter = contextmanager(call) if is_any(call, inspect.isgeneratorfunction) else None
        signature = inspect.signature(call, eval_str=True)
        given = map(deferring, signature.parameters.values())
        kept = [parameter for parameter in given if not isinstance(parameter.default, OutsideOneHop)]
        self.__signature__ = signature.replace(parameters=kept)

    def __eq__(self, other: object) -> bool:
        return self.call == (other.call if isinstance(other, Deferred) else other)

    def __hash__(self) -> int:
        return hash(self.call)

    async def __call__(self, **arguments: Any) -> Any:
        step, steps = Step(self, arguments), _steps.get()
        steps.append(step)
        return await to_thread.run_sync(run, steps) if self.is_endpoint else step


@dataclass(eq=False)
class Step:
    deferred: Deferred
    arguments: dict[str, Any]
    value: Any = None


def run(steps: list[Step], error: Exception | None = None) -> Any:
    """Run the steps of a request in this thread, clean up, and return the value of the last one or raise the error."""
    in_one_hop.set(True)
    with ExitStack() as stack:
        for step in steps:
            call, enter = step.deferred.call, step.deferred.enter
            given = {name: value.value if isinstance(value, Step) else value for name, value in step.arguments.items()}
            step.value = stack.enter_context(enter(**given)) if enter else call(**given)
        if error:
            raise error
        return steps[-1].value
    raise RuntimeError("A dependency with `yield` caught an exception and raised none")


def is_any(call: Any, *kinds: Callable[[object], bool]) -> bool:
    """Return whether FastAPI takes a callable for one of the kinds: it looks behind `partial`, `wraps` and `__call__`."""
    while isinstance(call, partial):
        call = call.func
    faces = [call] if inspect.isclass(call) else [call, call.__call__]
    return any(kind(face) or kind(inspect.unwrap(face)) for kind in kinds for face in faces)


def deferring(parameter: inspect.Parameter) -> inspect.Parameter:
    annotation = getattr(parameter.annotation, "__value__", parameter.annotation)  # `type Caller = Annotated[…]`
    described, *metadata = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    for item in (*metadata, parameter.default):
        if isinstance(item, params.Depends):
            # As a default: `Annotated` is cached by equality, and would give the original back.
            parameter = parameter.replace(annotation=described, default=defer(item, item.dependency or described))
    return parameter.replace(kind=parameter.KEYWORD_ONLY)


def defer(depends: params.Depends, call: Any) -> params.Depends:
    if is_any(call, inspect.iscoroutinefunction, inspect.isasyncgenfunction):
        return depends
    if depends.max_concurrency is not None:
        raise TypeError(f"OneHopRoute ignores the max_concurrency of {call!r}: limit an `async def` dependency instead")
    deferred = Deferred(call)
    # Another scope: FastAPI's cache keeps the step apart from the value that an `async def` dependency asked for.
    return replace(depends, dependency=deferred, scope=None if deferred.enter else "function")


class OneHopRoute(routing.APIRoute):
    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if not is_any(endpoint, inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction):
            options["dependencies"] = [defer(one, one.dependency) for one in options.get("dependencies") or ()]
            endpoint = update_wrapper(Deferred(endpoint, is_endpoint=True), endpoint, updated=())
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            token = _steps.set([])
            try:
                return await handle(request)
            except RequestValidationError as invalid:
                # A dependency's refusal goes before the body's: who may not write is not told what is wrong with it.
                if (steps := _steps.get()) and not steps[-1].deferred.is_endpoint:
                    await to_thread.run_sync(run, steps, invalid)
                raise
            finally:
                _steps.reset(token)

        return handler
