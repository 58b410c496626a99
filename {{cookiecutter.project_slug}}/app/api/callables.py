"""How FastAPI would run a callable, which may be a function, a class, an instance, or one of these in a wrapper."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any


def is_async(call: Callable[..., Any]) -> bool:
    """Return whether FastAPI would run it on the event loop."""
    return any(inspect.iscoroutinefunction(face) or inspect.isasyncgenfunction(face) for face in faces(call))


def is_generator(call: Callable[..., Any]) -> bool:
    return any(map(inspect.isgeneratorfunction, faces(call)))


def faces(call: Callable[..., Any]) -> Iterator[Any]:
    """Yield all that FastAPI looks at to tell how to run it: behind `partial` and `wraps`, and its `__call__`."""
    while isinstance(call, partial):
        call = call.func
    behind = inspect.unwrap(call)
    for face in (call, behind):
        yield face
        # The `__call__` of a class is that of its instances.
        if not inspect.isclass(behind):
            method = getattr(face, "__call__")  # noqa: B004, B009 - looks at it, does not test for it
            yield from (method, inspect.unwrap(method))
