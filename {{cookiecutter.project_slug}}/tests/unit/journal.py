"""A small application whose requests note what happens in them, for the tests of `app.api.routing`."""

from collections.abc import Callable, Iterator
from threading import get_ident
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import install_handlers
from app.api.routing import OneHopRoute

run_sync = to_thread.run_sync


class Journal:
    """What happened, in which threads, and the limiter of each trip to the thread pool."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.threads: set[int] = set()
        self.hops: list[CapacityLimiter | None] = []

    def note(self, event: str) -> None:
        self.events.append(event)
        self.threads.add(get_ident())

    async def run_sync(
        self, call: Callable[..., Any], *arguments: Any, limiter: CapacityLimiter | None = None, **options: Any
    ) -> Any:
        """Stand in for `anyio.to_thread.run_sync`."""
        self.hops.append(limiter)
        return await run_sync(call, *arguments, limiter=limiter, **options)


class NotesAnswers:
    """Middleware that notes when the answer begins."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self.app = app
        self.journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.journal.events.append(f"answer {message['status']}")
            await send(message)

        await self.app(scope, receive, noting)


class Body(BaseModel):
    number: int


async def get_journal(request: Request) -> Journal:
    journal: Journal = request.app.state.journal
    return journal


JournalDep = Annotated[Journal, Depends(get_journal)]


def open_session(journal: JournalDep) -> Iterator[object]:
    journal.note("open")
    try:
        yield object()
    except Exception as error:
        journal.note(f"undo {type(error).__name__}")
        raise
    journal.note("commit")


SessionDep = Annotated[object, Depends(open_session, scope="function")]


def load_caller(journal: JournalDep, session: SessionDep) -> object:
    journal.note("caller")
    return session


CallerDep = Annotated[object, Depends(load_caller)]


def serve(
    journal: Journal,
    endpoint: Callable[..., Any],
    route_class: type[OneHopRoute] = OneHopRoute,
    overrides: dict[Callable[..., Any], Callable[..., Any]] | None = None,
) -> TestClient:
    """Return a client of an application with this one endpoint."""
    app = FastAPI()
    app.state.journal = journal
    app.add_middleware(NotesAnswers, journal=journal)
    app.dependency_overrides = overrides or {}
    install_handlers(app)
    router = APIRouter(route_class=route_class)
    router.add_api_route("/", endpoint, methods=["POST"])
    app.include_router(router)
    return TestClient(app)
