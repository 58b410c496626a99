"""Requests that run at the same time, and meet at the point where they could get in each other's way."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Barrier, Event, Lock, get_ident
from typing import Any, ParamSpec, TypeVar

from httpx2 import Response
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from app.database import engine

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 10
MOMENT = 0.3


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


class Interruption:
    """Another request, which is made and answered in the middle of one: once, before or after a function is called."""

    def __init__(self, request: Callable[[], Response]) -> None:
        self.request = request
        self.happened = False

    def before(self, function: Callable[P, T]) -> Callable[P, T]:
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            self.happen_once()
            return function(*args, **kwargs)

        return call

    def after(self, function: Callable[P, T]) -> Callable[P, T]:
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            result = function(*args, **kwargs)
            self.happen_once()
            return result

        return call

    def happen_once(self) -> None:
        if not self.happened:
            self.happened = True
            self.happen()

    def happen(self) -> None:
        self.response = self.request()


class Pursuit(Interruption):
    """Another request, which begins in the middle of one, and comes to the point where it may have to wait for it.

    That is its first statement that writes or locks, or its first savepoint.
    """

    def __init__(self, request: Callable[[], Response]) -> None:
        super().__init__(request)
        self.close = Event()

    def happen(self) -> None:
        self.pursued = get_ident()
        thread = ThreadPoolExecutor(1)
        self.future: Future[Response] = thread.submit(self.request)
        thread.shutdown(wait=False)
        if not self.close.wait(PATIENCE):
            raise TimeoutError("the other request neither writes nor locks")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look out for that point; end with the answer."""
        listeners: tuple[tuple[Any, str, Callable[..., None]], ...] = (
            (engine, "before_cursor_execute", self.notice_statement),
            (Session, "after_transaction_create", self.notice_transaction),
        )
        for target, name, listener in listeners:
            event.listen(target, name, listener)
        try:
            yield
            self.response = self.future.result()
        finally:
            for target, name, listener in listeners:
                event.remove(target, name, listener)

    def notice_statement(self, _connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        self.notice(close=not statement.startswith("SELECT") or " FOR " in statement)

    def notice_transaction(self, _session: Session, transaction: SessionTransaction) -> None:
        # Some engines take a lock for a savepoint, before they are given the statement.
        self.notice(close=transaction.nested)

    def notice(self, *, close: bool) -> None:
        if close and self.happened and get_ident() != self.pursued:
            self.close.set()


class Overtaking(Pursuit):
    """A pursuit that ends first where nothing is in its way: where no row is locked, it has not to wait."""

    def happen(self) -> None:
        super().happen()
        wait([self.future], timeout=MOMENT)


def at_once(*calls: Callable[[], Response]) -> list[Response]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


def statuses(responses: list[Response]) -> list[int]:
    return sorted(response.status_code for response in responses)


def refused(responses: list[Response]) -> Any:
    """Return what the one that was refused was told."""
    (body,) = [response.json() for response in responses if response.is_error]
    return body
