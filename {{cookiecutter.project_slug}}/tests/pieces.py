"""A request whose body is sent in pieces, and the answer to it."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from anyio import sleep_forever
from starlette.types import Message

from tests.client import Client


class Pieces:
    """Says what has been read of the body, which a client that waits for its own sending could not.

    With the last piece the client falls silent: the body is never finished.
    """

    def __init__(
        self, client: Client, method: str, path: str, headers: dict[str, str], pieces: Iterator[bytes]
    ) -> None:
        self.client = client
        given = {"host": "testserver"} | dict(client.headers) | headers
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        }
        self.pieces = pieces
        self.read = 0
        self.answer: list[Message] = []

    async def receive(self) -> Message:
        piece = next(self.pieces, None)
        if piece is None:
            await sleep_forever()
        self.read += 1
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(self, message: Message) -> None:
        self.answer.append(message)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {name.decode(): value.decode() for name, value in self.answer[0]["headers"]}

    def begin(self) -> Future[Any]:
        assert self.client.portal is not None
        return self.client.portal.start_task_soon(self.client.app, self.scope, self.receive, self.send)

    def request(self) -> tuple[int, Any]:
        self.begin().result()
        start, body = self.answer
        return start["status"], json.loads(body["body"])
