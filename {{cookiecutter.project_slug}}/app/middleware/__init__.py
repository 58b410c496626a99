"""What every request and every answer goes through, whatever its route."""

from collections.abc import Sequence

from fastapi import FastAPI, Response, status
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.api import errors
from app.api.docs import SHUT

# {%- if cookiecutter.use_celery +%}
from app.imports import largest_bodies

# {%- endif +%}
from app.middleware.body_limit import BodyLimit
from app.middleware.request_context import Requests
from app.observability import metrics
from app.observability.logs import access_logger
from app.settings import Settings

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Tokens, and what only one user may see: a route whose answer may be kept says so itself.
    "Cache-Control": "no-store",
}
# The traceback of an error, which only DEBUG shows, is a page with scripts and styles in it.
TRACEBACK = f"{SHUT}; script-src 'unsafe-inline'; style-src 'unsafe-inline'"


class SecurityHeaders:
    """Adds to every answer what keeps a browser from harm; a header that the answer has already stays as it is."""

    def __init__(self, app: ASGIApp, *, hsts_seconds: int, debug: bool = False) -> None:
        self.app = app
        common = HEADERS | ({"Strict-Transport-Security": f"max-age={hsts_seconds}"} if hsts_seconds else {})
        self.of_data, self.of_pages = (
            [(name.lower().encode(), value.encode()) for name, value in (common | policy).items()]
            for policy in (
                {"Content-Security-Policy": SHUT},
                {"Content-Security-Policy": TRACEBACK if debug else SHUT},
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                given = {name.lower(): value for name, value in headers}
                is_page = given.get(b"content-type", b"").startswith(b"text/html")
                added = self.of_pages if is_page else self.of_data
                message["headers"] = [*headers, *(item for item in added if item[0] not in given)]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class TrustedHosts:
    """Starlette's check of the `Host`, with the refusal in the form of every other error.

    Who reads the metrics comes by the address of the process, which nobody can list.
    """

    def __init__(self, app: ASGIApp, *, names: Sequence[str]) -> None:
        self.app = app
        self.check = TrustedHostMiddleware(say_nothing, names, www_redirect=False)
        # The usual ones, that need no parsing: another form of a name may be as good.
        self.names = {name.encode() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path", "").rstrip("/") == metrics.PATH or host_of(scope) in self.names:
            await self.app(scope, receive, send)
            return
        refusal: list[Message] = []

        async def keep(message: Message) -> None:
            refusal.append(message)

        await self.check(scope, receive, keep)
        app = errors.refused(status.HTTP_400_BAD_REQUEST, "Unknown host") if refusal else self.app
        await app(scope, receive, send)


def host_of(scope: Scope) -> bytes:
    return next((value for name, value in scope.get("headers", ()) if name == b"host"), b"")


async def say_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Stand for an application that was reached."""


class CrossOrigin(CORSMiddleware):
    """Starlette's answers to browsers that ask for other sites, with the refusals in the form of every other error."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < status.HTTP_400_BAD_REQUEST:
            return answer
        headers = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        return errors.refused(answer.status_code, bytes(answer.body).decode(), headers)


def install_middleware(app: FastAPI, settings: Settings) -> None:
    """Put around the application what its settings ask for, from the inside to the outside."""
    app.add_middleware(
        BodyLimit,
        settings=settings,
        # {% if cookiecutter.use_celery %}
        larger=largest_bodies(settings),
        # {% endif %}
    )
    # Starlette puts it around all others, where its 500 would get none of their headers; there it then only raises.
    app.add_middleware(ServerErrorMiddleware, handler=app.exception_handlers.pop(Exception), debug=app.debug)
    if settings.cors_origins:
        app.add_middleware(
            CrossOrigin,
            allow_origins=settings.cors_origins,
            allow_credentials=settings.cors_credentials,
            allow_methods=METHODS,
            allow_headers=("Authorization", "Content-Type"),
            expose_headers=("Retry-After", "X-Cache", "X-Request-ID"),
        )
    app.add_middleware(TrustedHosts, names=settings.trusted_hosts)
    app.add_middleware(SecurityHeaders, hsts_seconds=settings.hsts_seconds, debug=app.debug)
    app.add_middleware(Requests, logger=access_logger(settings))
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(map(str, settings.trusted_proxies)))
