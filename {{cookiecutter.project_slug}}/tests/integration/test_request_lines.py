"""The id of a request, in its answer and in every line, and the line that it has of its own."""

import http.client
import json
import logging
from collections.abc import Callable
from contextlib import closing
from time import monotonic, sleep
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.client import Client
from tests.factories import PASSWORD
from tests.lines import Lines
from tests.listening import listening
from tests.postbox import Postbox, token_in

BUG = "a bug"
GIVEN = {"X-Request-ID": "of-the.Proxy_1"}
ASKED = [
    ("GET", "/posts?q=secret", {}, 200, "/posts"),
    ("GET", "/posts/0/", {}, 404, "/posts/{post_id}"),
    ("GET", "/secret?q=secret", {}, 404, "unmatched"),
    ("PUT", "/posts", {}, 405, "/posts"),
    ("GET", "/users/me", {}, 401, "/users/me"),
    ("POST", "/posts", {"Content-Length": "1001"}, 413, "unmatched"),
    ("GET", "/posts", {"Host": "elsewhere.example.com"}, 400, "unmatched"),
]


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a list of posts log a line where it is made, and fail."""

    def fail(*_: object) -> None:
        logging.getLogger("app.posts").warning("asked in the hop")
        raise RuntimeError(f"{BUG} with user@example.com and {'x' * 43}")

    monkeypatch.setattr("app.posts.service.list_posts", fail)


class TestId:
    @pytest.mark.parametrize(("given", "taken"), [("x", True), ("x" * 128, True), ("x" * 129, False), ("x y", False)])
    def test_one_that_is_given_is_taken_if_it_can_do_no_harm(
        self, anon_client: Client, given: str, *, taken: bool
    ) -> None:
        returned = anon_client.get("/health/live", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        assert (returned == given) == taken
        assert taken or len(returned) == 32

    def test_each_request_without_one_gets_its_own(self, anon_client: Client) -> None:
        assert len({anon_client.get("/health/live").headers["X-Request-ID"] for _ in range(3)}) == 3


def test_every_request_has_its_line_and_its_id_whoever_answers(
    client_with: Callable[..., Client], lines: Lines
) -> None:
    client = client_with(request_max_bytes=1_000)
    for method, path, headers, status, _ in ASKED:
        response = client.request(method, path, headers=GIVEN | headers)
        assert (response.status_code, response.headers.get_list("X-Request-ID")) == (status, [*GIVEN.values()])
    told = lines.of("app.middleware.request_context")
    assert [(line["method"], line["status"], line["route"]) for line in told] == [
        (method, status, route) for method, _, _, status, route in ASKED
    ]
    assert {(line["event"], line["level"], line["client"]) for line in told} == {("request", "info", "testclient")}
    assert {line["request_id"] for line in told} == set(GIVEN.values())
    assert all(0 < line["duration_ms"] < 10_000 for line in told)
    assert "secret" not in str(told)


def ask(peer: http.client.HTTPConnection, path: str, body: dict[str, Any] | None = None, expected: int = 200) -> Any:
    headers = {"Host": "testserver", "Content-Type": "application/json"} | GIVEN
    peer.request("GET" if body is None else "POST", path, json.dumps(body), headers)
    answer = peer.getresponse()
    text = answer.read()
    assert (answer.status, answer.getheader("X-Request-ID")) == (expected, *GIVEN.values())
    return json.loads(text or "null")


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what is done after a response."""
    deadline = monotonic() + 10
    while not condition() and monotonic() < deadline:
        sleep(0.01)
    assert condition()


@pytest.mark.slow
def test_a_server_logs_no_address_password_or_token_and_of_a_bug_the_request(
    app: FastAPI, server: TestClient, bug: None, lines: Lines, postbox: Postbox
) -> None:
    account = {"email": "user@example.com", "password": PASSWORD}
    with listening(app) as address, closing(http.client.HTTPConnection(*address, timeout=10)) as peer:
        ask(peer, "/auth/register", account | {"name": "User"}, 201)
        ask(peer, "/auth/register", account | {"name": "User"}, 409)
        ask(peer, "/auth/login", account | {"password": "Password2"}, 401)
        tokens = ask(peer, "/auth/login", account)
        ask(peer, "/auth/refresh", {"refresh_token": tokens["refresh_token"]})
        ask(peer, "/auth/password/forgot", {"email": account["email"]}, 202)
        wait_for(lambda: len(postbox.mails) == 2)
        mailed = token_in(postbox.mails[-1])
        postbox.refusal = "550 user@example.com is not here"
        ask(peer, "/auth/password/reset", {"token": mailed, "password": "Password3"}, 204)
        ask(peer, "/posts", None, 500)
        wait_for(lambda: "is not here" in lines.text)
    secrets = [account["email"], PASSWORD, "Password2", "Password3", mailed, "x" * 43, *map(str, tokens.values())]
    assert [secret for secret in secrets if len(secret) > 6 and secret in lines.text] == []
    told = [json.loads(line) for line in lines.text.splitlines()]
    (refused,) = [line for line in told if "is not here" in line.get("exception", "")]
    (hop,) = lines.of("app.posts")
    (failed,) = [line for line in lines.of("uvicorn.error") if line["level"] == "error"]
    assert f"{BUG} with [address] and [token]" in failed["exception"]
    assert {line["request_id"] for line in (refused, hop, failed)} == set(GIVEN.values())
