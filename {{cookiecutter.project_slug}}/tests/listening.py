"""A real server in this process, with the options of the command line."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from app import cli


def options_of_the_command() -> dict[str, Any]:
    """Return what `python -m app.cli serve` asks of uvicorn."""
    asked: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn, "run", lambda _app, **options: asked.update(options))
        cli.serve()
    return asked


@contextmanager
def listening(app: FastAPI) -> Iterator[tuple[str, int]]:
    """Serve the application and yield the address; it shares the process with others, and neither starts nor ends it."""
    options = options_of_the_command() | {"lifespan": "off", "log_config": None}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()
