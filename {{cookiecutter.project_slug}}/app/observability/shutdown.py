"""How a server stops while others go on: it says so for `DRAIN_SECONDS`, and only then takes no more connections.

A load balancer hears it from `/health/ready`, and a client that keeps its connection from `Connection: close`: else it
would send its next request just when the connection is closed, and never know whether it arrived.
"""

import asyncio
import signal
import threading
from types import FrameType

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import ServiceUnavailable


class LastAnswers:
    """Closes each connection with its next answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await self.app(scope, receive, send_last)


def drain_on_sigterm(app: FastAPI, seconds: float) -> None:
    """Put a time of draining before what SIGTERM does now; a second SIGTERM ends it."""
    stop = signal.getsignal(signal.SIGTERM)
    # Only the main thread of a process hears signals, and without a handler nobody would wait.
    if not seconds or not callable(stop) or threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()

    def drain(number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, stop)
        app.state.draining = True
        # From here on, so that as long as the server runs no request pays for it.
        if app.middleware_stack:
            app.middleware_stack = LastAnswers(app.middleware_stack)
        loop.call_soon_threadsafe(loop.call_later, seconds, stop, number, None)

    signal.signal(signal.SIGTERM, drain)


async def refuse_while_draining(request: Request) -> None:
    if getattr(request.app.state, "draining", False):
        raise ServiceUnavailable("Not ready: the server is stopping")
