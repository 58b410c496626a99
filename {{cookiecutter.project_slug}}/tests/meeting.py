"""Requests that run at the same time, and meet at the point where they could get in each other's way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import ParamSpec, TypeVar

from httpx2 import Response

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 10


class Meeting:
    """Lets calls of a function return only when so many are under way, and notes the most that ever were."""

    def __init__(self, parties: int) -> None:
        self.barrier = Barrier(parties, timeout=PATIENCE)
        self.lock = Lock()
        self.inside = 0
        self.most = 0

    def around(self, function: Callable[P, T]) -> Callable[P, T]:
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with self.lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            result = function(*args, **kwargs)
            self.barrier.wait()
            with self.lock:
                self.inside -= 1
            return result

        return call

    def before(self, function: Callable[P, T]) -> Callable[P, T]:
        """Let calls begin only when so many want to."""

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            self.barrier.wait()
            return function(*args, **kwargs)

        return call


def at_once(*calls: Callable[[], Response]) -> list[Response]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]
