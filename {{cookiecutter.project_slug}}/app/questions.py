"""Questions to others that may never be answered, among them those of `/health/ready`."""

from asyncio import get_running_loop, wait_for
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Question(Generic[T]):
    """Asks in a thread for itself, since all others may be waiting for the same.

    It is only one, and holds at most one connection however often somebody asks meanwhile.
    """

    def __init__(self, name: str, ask: Callable[[], T]) -> None:
        self.thread = ThreadPoolExecutor(1, name)
        self.ask = ask

    async def answer(self, seconds: float) -> T:
        """Return the answer; raises what asking raises, and `TimeoutError` when that takes longer."""
        return await wait_for(get_running_loop().run_in_executor(self.thread, self.ask), seconds)


NEEDED: dict[str, Question[object]] = {}
"""What the process needs, by name; what talks to a server adds a question to it."""
