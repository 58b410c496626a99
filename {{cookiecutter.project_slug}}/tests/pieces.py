"""A request whose body is sent in pieces, and the answer to it."""

import json
from collections.abc import Iterator
from typing import Any

from starlette.types import Message

from tests.client import Client


class Pieces:
    """Says what has been read of the body, which a client that waits for its own sending could not."""

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
        self.read += 1
        return {"type": "http.request", "body": next(self.pieces), "more_body": True}

    async def send(self, message: Message) -> None:
        self.answer.append(message)

    def request(self) -> tuple[int, Any]:
        assert self.client.portal is not None
        self.client.portal.call(self.client.app, self.scope, self.receive, self.send)
        start, body = self.answer
        return start["status"], json.loads(body["body"])
