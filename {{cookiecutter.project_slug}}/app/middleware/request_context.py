"""What is told of every request: an id, in its answer and in all lines of the log, a line of its own there, and a count."""

import re
from contextlib import suppress
from secrets import token_hex
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars
from structlog.typing import FilteringBoundLogger

from app.observability import metrics

ID_HEADER = b"x-request-id"
ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
BAD = 400
NO_ROUTE = "unmatched"
"""The route of what was refused before one was found, or of a path that has none: who asks for those chooses the text."""


class Requests:
    """Tells of requests where they come in, so that of those that no route gets to see, too."""

    def __init__(self, app: ASGIApp, *, logger: FilteringBoundLogger) -> None:
        self.app = app
        self.logger = logger.bind(logger=__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = id_of(scope)
        # Nothing takes it back: each request has a context of its own, which the server's line of an error is in as well.
        bind_contextvars(request_id=request_id.decode())
        began, status = perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (ID_HEADER, request_id)]
            await send(message)
            # What runs after the response is not waited for.
            if message["type"] == "http.response.body" and not message.get("more_body"):
                tell(self.logger, scope, status, perf_counter() - began)

        await self.app(scope, receive, send_with_id)


def id_of(scope: Scope) -> bytes:
    """Return the id that the client or a proxy gave, if it can do no harm in a log, or else a new one."""
    for name, value in scope["headers"]:
        if name == ID_HEADER and ID.fullmatch(value):
            return bytes(value)
    return token_hex(16).encode()


def route_of(scope: Scope) -> str:
    """Return the path with the names of its parameters: neither their values nor the query, which may be secret."""
    found = scope.get("route")
    if found is None and "endpoint" in scope:
        # FastAPI names its own routes only, and not those of Starlette: /openapi.json, /docs.
        endpoint = scope["endpoint"]
        found = next((route for route in scope["app"].routes if getattr(route, "endpoint", None) is endpoint), None)
    return NO_ROUTE if found is None else str(found.path)


def tell(logger: FilteringBoundLogger, scope: Scope, status: int, seconds: float) -> None:
    route = route_of(scope)
    metrics.count(scope["method"], route, status, seconds)
    # These are asked every few seconds, by machines: as long as all is well they would hide everything else.
    if status < BAD and (route == metrics.PATH or route.startswith("/health/")):
        return
    client = scope.get("client")
    # A log that takes nothing, such as a full disk or a closed pipe, keeps nobody's request from going on.
    with suppress(OSError, ValueError):
        logger.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 1),
            client=client and client[0],
        )
