"""Questions to others that may never be answered, among them those of `/health/ready`."""

from asyncio import wait, wrap_future
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Question(Generic[T]):
    """Asks in a thread for itself, since all others may be waiting for the same.

    It is only one, and holds at most one connection however often somebody asks meanwhile: who asks while it is being
    answered gets the same answer.
    """

    def __init__(self, name: str, ask: Callable[[], T]) -> None:
        self.thread = ThreadPoolExecutor(1, name)
        self.ask = ask
        self.asked: Future[T] | None = None

    async def answer(self, seconds: float) -> T:
        """Return the answer; raises what asking raises, and `TimeoutError` when that takes longer."""
        if self.asked is None or self.asked.done():
            self.asked = self.thread.submit(self.ask)
        answer = wrap_future(self.asked)
        # One that comes too late is for nobody, whatever it says.
        answer.add_done_callback(lambda late: late.cancelled() or late.exception())
        done, _ = await wait({answer}, timeout=seconds)
        if not done:
            raise TimeoutError
        return answer.result()


NEEDED: dict[str, Question[object]] = {}
"""What the process needs, by name; what talks to a server adds a question to it."""
