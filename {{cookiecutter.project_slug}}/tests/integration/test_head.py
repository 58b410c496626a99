"""HEAD is answered by every route that answers GET, with the same headers and no body."""

from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from starlette.types import Scope

from app.middleware.paths import HeadAsGet
from tests.client import Client
from tests.integration.test_access import ACCESS
from tests.listening import listening

OF_EACH_ANSWER = {"date", "x-request-id", "x-cache"}
PATHS = sorted({path for method, path, _, _ in ACCESS if method == "GET"} | {"/openapi.json", "/docs", "/nowhere"})


def test_an_error_before_the_answer_is_answered_as_head_too() -> None:
    async def fail(*_: object) -> Any:
        raise RuntimeError

    scope: Scope = {"type": "http", "method": "HEAD"}
    with pytest.raises(RuntimeError):
        anyio.run(HeadAsGet(fail).__call__, scope, fail, fail)
    assert scope["method"] == "HEAD"


@pytest.mark.parametrize("who", ["owner", "anonymous"])
@pytest.mark.parametrize("path", PATHS)
def test_it_is_answered_as_get_without_the_body(caller: Client, ids: dict[str, Any], path: str) -> None:
    get, head = (caller.request(method, path.format(**ids)) for method in ("GET", "HEAD"))
    for answer in (get, head):
        for name in OF_EACH_ANSWER:
            answer.headers.pop(name, None)
    assert (head.status_code, dict(head.headers), head.content) == (get.status_code, dict(get.headers), b"")
    assert int(head.headers["Content-Length"]) == len(get.content) > 0


def test_a_route_without_get_refuses_it(anon_client: Client) -> None:
    assert anon_client.head("/auth/login").status_code == 405


@pytest.mark.slow
def test_the_server_sends_no_body_that_the_next_answer_would_begin_with(app: FastAPI) -> None:
    with listening(app) as address, closing(HTTPConnection(*address, timeout=10)) as client:
        for method, body in (("HEAD", b""), ("GET", b'{"status":"ok"}')):
            client.request(method, "/health/live", headers={"Host": "testserver"})
            answer = client.getresponse()
            assert (answer.status, answer.getheader("Content-Length"), answer.read()) == (200, "15", body)
