"""Checks with a timeout, such as those of `/health/ready`; concurrent callers share one check."""

from asyncio import wrap_future
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from anyio import fail_after

T = TypeVar("T")


class Question(Generic[T]):
    """A check in a thread of its own, since all others may hang at the same server.

    A check that hangs holds one thread and at most one connection, however many callers wait for it meanwhile.
    """

    def __init__(self, name: str, ask: Callable[[], T]) -> None:
        self.thread = ThreadPoolExecutor(1, name)
        self.ask = ask
        self.asked: Future[T] | None = None

    async def answer(self, seconds: float) -> T:
        """Return the result; raises what the check raises, and `TimeoutError` when that takes longer."""
        if self.asked is None or self.asked.done():
            self.asked = self.thread.submit(self.ask)
        with fail_after(seconds):
            return await wrap_future(self.asked)


NEEDED: dict[str, Question[object]] = {}
"""What the process needs, by name; what talks to a server adds a check to it."""
