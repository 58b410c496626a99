"""Bodies of requests: how large they may be, how long they may take, and how many large ones are read at a time."""

from asyncio import Lock, Semaphore
from collections.abc import Mapping
from contextlib import AsyncExitStack
from math import inf
from types import MappingProxyType
from weakref import WeakValueDictionary

from anyio import CancelScope, current_time, move_on_after, to_thread
from fastapi import HTTPException, Request
from fastapi.security.utils import get_authorization_scheme_param
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import AppError, BodyTooLarge, BodyTooSlow, TooManyRequests, Unauthorized, refused
from app.auth.tokens import read_access_token
from app.rate_limiting.limiter import client_key, get_rate_limiter
from app.settings import Settings

SMALL = 16_000
"""Bytes that anybody may send. More needs a valid access token, and is never taken where credentials are sent."""
CREDENTIALS = "/auth/"
BODY_HEADERS = {b"content-length", b"transfer-encoding"}
NO_LARGER: Mapping[tuple[str, str], int] = MappingProxyType({})
LARGE_BODIES = 8
"""Larger bodies read at a time: together they must fit into memory and the folder for temporary files."""
LARGE_BODIES_OF_ADDRESS = 4
"""Larger bodies of one client address read at a time."""


def may_have_body(scope: Scope) -> bool:
    """Return whether a body may follow; in HTTP/1.1 none does unless a header says so."""
    return scope.get("http_version") != "1.1" or any(name in BODY_HEADERS for name, _ in scope["headers"])


class BodyLimit:
    """Refuses a body that is too large or too slow; before any of it is read where its length is declared.

    `larger` has the limits of routes, by method and path, that take more than `REQUEST_MAX_BYTES`.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings, larger: Mapping[tuple[str, str], int] = NO_LARGER) -> None:
        self.app = app
        self.settings = settings
        self.larger = larger
        self.slots = Semaphore(LARGE_BODIES)
        self.users: WeakValueDictionary[int, Lock] = WeakValueDictionary()
        self.addresses: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not may_have_body(scope):
            await self.app(scope, receive, send)
            return
        # A slot is held until the answer is sent: as long as the body is in memory.
        async with AsyncExitStack() as held:
            body = Body(self, Request(scope), receive, held)
            try:
                await body.check(body.declared)
            except HTTPException as error:
                await refused(error.status_code, error.detail, error.headers)(scope, receive, send)
                return
            await self.app(scope, body.receive, send)

    def most(self, request: Request) -> int:
        # As the routes are found, which `OptionalTrailingSlash` sees to after this.
        path = request.scope["path"].rstrip("/")
        most = self.larger.get((request.method, path), self.settings.request_max_bytes)
        return min(most, SMALL) if path.startswith(CREDENTIALS) else most

    async def admit(self, request: Request, held: AsyncExitStack) -> None:
        """Wait until the body may be read: one of a user and a few of an address at a time, so that nobody takes all slots."""
        scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
        if scheme.lower() != "bearer":
            raise Unauthorized
        user_id = read_access_token(token, self.settings).user_id
        address = client_key(request.client and request.client.host)
        with move_on_after(self.settings.request_body_seconds) as waiting:
            await held.enter_async_context(self.users.setdefault(user_id, Lock()))
            await held.enter_async_context(self.addresses.setdefault(address, Semaphore(LARGE_BODIES_OF_ADDRESS)))
            await held.enter_async_context(self.slots)
        if waiting.cancelled_caught:
            raise TooManyRequests(1)


class Body:
    """The body of one request."""

    def __init__(self, limit: BodyLimit, request: Request, receive: Receive, held: AsyncExitStack) -> None:
        self.limit = limit
        self.request = request
        self.next_message = receive
        self.held = held
        self.most = limit.most(request)
        declared = request.headers.get("Content-Length", "")
        self.declared = int(declared) if declared.isdecimal() else 0
        self.received = 0
        self.admitted = False
        self.deadline: float | None = None

    async def receive(self) -> Message:
        """Return the next message to the application; after the body there is no deadline."""
        if self.deadline is None:
            self.deadline = current_time() + self.limit.settings.request_body_seconds
        with CancelScope(deadline=self.deadline) as reading:
            message = await self.next_message()
        if reading.cancelled_caught:
            raise await self.refusal(BodyTooSlow())
        self.received += len(message.get("body", b""))
        await self.check(self.received)
        if not message.get("more_body"):
            self.deadline = inf
        return message

    async def check(self, size: int) -> None:
        try:
            if size > self.most:
                raise BodyTooLarge(self.most)
            if size > SMALL and not self.admitted:
                await self.limit.admit(self.request, self.held)
                self.admitted, self.deadline = True, None
        except AppError as error:
            raise await self.refusal(error) from None

    async def refusal(self, error: AppError) -> HTTPException:
        """Return the error in the form that FastAPI lets through where it reads a body, counted against the address."""
        if isinstance(error, Unauthorized):
            # The server reads the rest, so that the client gets this answer and can send the request again.
            return HTTPException(error.status_code, error.detail, error.headers)
        limiter = await get_rate_limiter(self.request)
        try:
            await to_thread.run_sync(limiter.refused_body)
        except TooManyRequests as too_many:
            error = too_many
        # Nobody reads the rest, so that no other request can follow it.
        return HTTPException(error.status_code, error.detail, {"Connection": "close", **(error.headers or {})})
