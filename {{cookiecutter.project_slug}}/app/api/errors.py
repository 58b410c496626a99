"""Errors of the application, the one handler that answers them, and how routes document them."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from fastapi import FastAPI, Request, Response, status
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError
from starlette.formparsers import MultiPartException
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app import engines

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
# What FastAPI says, with a 400, of a body that is no text, or too deep, or has a number too long.
UNREADABLE = "There was an error parsing the body"
CLOSE_REASON_BYTES = 123


class AppError(Exception):
    """A refusal with a status and a sentence for the client; raise a subclass.

    `keeps_changes` commits what the request did before the refusal is answered.
    """

    status_code: ClassVar[int] = 500
    keeps_changes: ClassVar[bool] = False

    def __init__(self, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers


class BadRequest(AppError):
    status_code = 400


class Unauthorized(AppError):
    status_code = 401

    def __init__(self, detail: str = "Not authenticated") -> None:
        super().__init__(detail, {"WWW-Authenticate": "Bearer"})


class SessionRevoked(Unauthorized):
    """A spent refresh token came back: its family is revoked, and the revocation outlives the 401."""

    keeps_changes = True


class Forbidden(AppError):
    status_code = 403


class NotFound(AppError):
    status_code = 404


class Conflict(AppError):
    status_code = 409


class BodyTooSlow(AppError):
    status_code = 408

    def __init__(self) -> None:
        super().__init__("The body did not arrive in time")


class BodyTooLarge(AppError):
    status_code = 413

    def __init__(self, most: int) -> None:
        super().__init__(f"The body is too large: at most {most} bytes")


class TooManyRequests(AppError):
    """So many seconds are to be waited; which of the things that are counted was too many is not told."""

    status_code = 429

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many attempts; try again later", {"Retry-After": str(seconds)})


class ServiceUnavailable(AppError):
    status_code = 503


class ErrorBody(BaseModel):
    """What every refusal but a 422 looks like."""

    detail: str


MEANINGS = {
    400: "The token is wrong, spent or expired",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    408: "The body did not arrive in time",
    409: "In conflict with what is there",
    413: "Too large",
    429: "Too many attempts",
    503: "A dependency is down",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return `responses=` of a route that can answer with these statuses; with 413 come the others of every body."""
    if BodyTooLarge.status_code in statuses:
        statuses = (*statuses, BodyTooSlow.status_code, TooManyRequests.status_code)
    return {status: {"model": ErrorBody, "description": MEANINGS[status]} for status in statuses}


def invalid_field(field: str, message: str) -> RequestValidationError:
    """Return a 422 for a rule that only the service can check."""
    return RequestValidationError([{"type": "value_error", "loc": ("body", field), "msg": message}])


def refused(status_code: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer that every refusal but a 422 is, for where no handler answers."""
    return JSONResponse({"detail": detail}, status_code, headers)


async def answer_app_error(connection: HTTPConnection, error: AppError) -> JSONResponse | None:
    if isinstance(connection, WebSocket) and connection.application_state is not WebSocketState.CONNECTING:
        # The handshake was answered already. The reason has to fit into a frame, and the client may be gone.
        reason = error.detail.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")
        with suppress(RuntimeError, WebSocketDisconnect):
            await connection.close(status.WS_1008_POLICY_VIOLATION, reason)
        return None
    return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


async def answer_outage(connection: HTTPConnection, error: DBAPIError | PoolTimeoutError) -> JSONResponse | None:
    if not engines.is_unavailable(error):
        raise error
    reason = str(getattr(error, "orig", error)).partition("\n")[0]
    logger.error("The database is unavailable: %s", reason)
    again = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return await answer_app_error(connection, ServiceUnavailable("The database is unavailable", again))


def install_handlers(app: FastAPI) -> None:
    """Register how each error is answered."""
    app.exception_handler(AppError)(answer_app_error)
    app.exception_handler(DBAPIError)(answer_outage)
    app.exception_handler(PoolTimeoutError)(answer_outage)

    @app.exception_handler(StaleDataError)
    async def answer_gone(connection: HTTPConnection, _error: StaleDataError) -> JSONResponse | None:
        # Another request has deleted the row since this one read it: what the path names, or else the caller.
        gone = NotFound("Not found") if connection.path_params else Unauthorized("Invalid or expired token")
        return await answer_app_error(connection, gone)

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        # Without `input`: it would send a password back, and text that cannot be encoded could not be sent at all.
        detail = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
        return JSONResponse({"detail": detail}, status_code=422)

    @app.exception_handler(400)
    async def answer_unreadable(request: Request, error: HTTPException) -> Response:
        if error.detail != UNREADABLE and not isinstance(error.__context__, MultiPartException):
            return await http_exception_handler(request, error)
        if isinstance(error.__cause__, OSError):
            # It could not be written to the folder for temporary files.
            logger.error("The body of a request could not be kept: %r", error.__cause__)
            return refused(503, "The server cannot take the body now; try again later", {"Retry-After": "10"})
        # The framework could not decode the body: invalid input as any other, and documented as it.
        problem = {"type": "body_unreadable", "loc": ["body"], "msg": "The body cannot be read"}
        return JSONResponse({"detail": [problem]}, status_code=422)

    @app.exception_handler(Exception)
    async def answer_bug(_request: Request, _error: Exception) -> JSONResponse:
        # The server logs it with its traceback; the client learns nothing of it, in the form of every other error.
        # uvicorn closes the connection of a request that raised: without the header, the next request on it would be lost.
        return JSONResponse({"detail": "Internal server error"}, 500, {"Connection": "close"})
