"""`app.api.routing`: how many requests run at a time, and that those who wait get their turn."""

from collections.abc import Iterator
from threading import Event, Lock, Semaphore
from typing import Annotated

import anyio
import pytest
from anyio import CapacityLimiter, to_thread
from anyio.abc import TaskGroup
from fastapi import APIRouter, Depends, FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.api.routing import HASHING_THREADS, HashingRoute, OneHopRoute

PATIENCE = 5


class Pool:
    """A connection pool that remembers the most that were out at a time."""

    def __init__(self, size: int) -> None:
        self.free = Semaphore(size)
        self.lock = Lock()
        self.out = 0
        self.most_out = 0

    def take(self) -> Iterator[None]:
        if not self.free.acquire(timeout=PATIENCE):
            raise TimeoutError("no connection came free")
        with self.lock:
            self.out += 1
            self.most_out = max(self.most_out, self.out)
        try:
            yield
        finally:
            with self.lock:
                self.out -= 1
            self.free.release()


class Crowd:
    """Clients that send their requests at once, on one event loop."""

    def __init__(self, app: FastAPI, tasks: TaskGroup) -> None:
        self.client = AsyncClient(transport=ASGITransport(app), base_url="http://test")
        self.tasks = tasks
        self.statuses: list[int] = []

    async def get(self, path: str) -> None:
        self.statuses.append((await self.client.get(path)).status_code)

    async def send(self, path: str, times: int) -> None:
        """Send the requests, and return when each runs in a thread or waits for one."""
        for _ in range(times):
            self.tasks.start_soon(self.get, path)
        await anyio.wait_all_tasks_blocked()


def bounded_app(pool: Pool, gate: Event) -> FastAPI:
    connection_dep = Annotated[None, Depends(pool.take, scope="function")]
    router, hashing = APIRouter(route_class=OneHopRoute), APIRouter(route_class=HashingRoute)

    def load(connection: connection_dep) -> int:
        return 1

    @router.get("/guarded", dependencies=[Depends(load)])
    @router.get("/read")
    def read(loaded: Annotated[int, Depends(load)], connection: connection_dep) -> int:
        return loaded

    @hashing.get("/hash")
    def hash_password(connection: connection_dep) -> None:
        assert gate.wait(PATIENCE)

    app = FastAPI()
    app.include_router(router)
    app.include_router(router, prefix="/included", dependencies=[Depends(load)])
    app.include_router(hashing)
    return app


class TestHashing:
    def test_few_hash_at_a_time_and_the_others_are_served_meanwhile(self) -> None:
        gate, pool = Event(), Pool(HASHING_THREADS)
        reads = Pool(1)
        limiter = HashingRoute.limiter
        assert limiter is not None

        async def main() -> list[int]:
            to_thread.current_default_thread_limiter().total_tokens = 1
            async with anyio.create_task_group() as tasks:
                crowd = Crowd(bounded_app(pool, gate), tasks)
                await crowd.send("/hash", HASHING_THREADS + 3)
                waiting = limiter.statistics()
                assert (waiting.borrowed_tokens, waiting.tasks_waiting) == (HASHING_THREADS, 3)
                assert crowd.statuses == []
                await Crowd(bounded_app(reads, gate), tasks).get("/read")
                gate.set()
            return crowd.statuses

        assert anyio.run(main) == [200] * (HASHING_THREADS + 3)
        assert (pool.most_out, reads.most_out) == (HASHING_THREADS, 1)

    def test_the_bound_is_its_own(self) -> None:
        assert OneHopRoute.limiter is None
        assert isinstance(HashingRoute.limiter, CapacityLimiter)
        assert HashingRoute.limiter.total_tokens == HASHING_THREADS == 2


class TestMoreClientsThanConnections:
    @pytest.mark.parametrize("path", ["/read", "/guarded", "/included/read"])
    @pytest.mark.parametrize("threads", [1, 3])
    def test_they_wait_for_each_other_and_are_all_served(self, threads: int, path: str) -> None:
        pool = Pool(threads)

        async def main() -> list[int]:
            to_thread.current_default_thread_limiter().total_tokens = threads
            async with anyio.create_task_group() as tasks:
                crowd = Crowd(bounded_app(pool, Event()), tasks)
                await crowd.send(path, 40)
            return crowd.statuses

        assert anyio.run(main) == [200] * 40
        assert pool.most_out <= threads
