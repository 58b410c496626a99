"""Clients that connect and say nothing, or read nothing, and more of them than a process may have files open."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from app import connections
from tests.lines import Lines
from tests.listening import listening

pytestmark = pytest.mark.slow

SECONDS = 0.3
MOST = 3
HOST = b"Host: testserver\r\n"


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    # uvloop's timers may be a millisecond early.
    monkeypatch.setattr(connections, "HEAD_SECONDS", SECONDS + 0.001)
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 3 * SECONDS)
    monkeypatch.setattr(connections, "most_connections", lambda: MOST)


@pytest.fixture
def address(impatience: None, app: FastAPI) -> Iterator[tuple[str, int]]:
    """The address of a server that has little patience and room for few."""
    with listening(app) as address:
        yield address


def connect(address: tuple[str, int], sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(address, timeout=10)
    connection.sendall(sent)
    return connection


def rest(connection: socket.socket) -> bytes:
    """Read until the server ends the connection."""
    pieces: list[bytes] = []
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def ask(connection: HTTPConnection) -> int:
    connection.request("GET", "/health/live", headers={"Host": "testserver"})
    answer = connection.getresponse()
    assert json.load(answer) == {"status": "ok"}
    return answer.status


class TestSilence:
    @pytest.mark.parametrize("sent", [b"", b"GET /health/live HTTP/1.1\r\n" + HOST])
    def test_a_connection_without_a_whole_head_is_ended(self, address: tuple[str, int], sent: bytes) -> None:
        began = time.monotonic()
        with connect(address, sent) as connection:
            assert rest(connection) == b""
        assert SECONDS <= time.monotonic() - began < 5

    def test_a_head_that_comes_byte_by_byte_has_no_longer(self, address: tuple[str, int]) -> None:
        sent = 0
        with connect(address, b"GET /") as connection, suppress(ConnectionError):
            while sent < 100:
                sent += connection.send(b"x")
                time.sleep(SECONDS / 10)
        assert 5 <= sent < 50

    def test_a_client_that_keeps_its_connection_is_still_known(self, address: tuple[str, int]) -> None:
        with closing(HTTPConnection(*address, timeout=10)) as client:
            client.connect()
            kept = client.sock
            assert ask(client) == 200
            time.sleep(1.5 * SECONDS)
            assert (ask(client), client.sock is kept) == (200, True)

    @pytest.mark.parametrize(("pause", "is_whole"), [(0.01, True), (10 * SECONDS, False)])
    def test_an_answer_may_be_read_slowly_and_not_never(
        self, impatience: None, pause: float, *, is_whole: bool
    ) -> None:
        # More than the system keeps for a client that does not read.
        size = 20_000_000
        app = FastAPI()
        app.add_api_route("/", lambda: StreamingResponse(b"x" * (size // 20) for _ in range(20)))
        with listening(app) as address, socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            connection.settimeout(10)
            connection.connect(address)
            close = b"Connection: close\r\n" if is_whole else b""
            connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + close + b"\r\n")
            if not is_whole:
                # What else it sends gives it no more time to read.
                time.sleep(SECONDS / 2)
                connection.sendall(b"G")
            began, got = time.monotonic(), 0
            while time.monotonic() - began < 10 * SECONDS:
                time.sleep(pause)
                got += len(connection.recv(65_536))
            assert (got + len(rest(connection)) >= size) == is_whole


class TestFloods:
    """What the parser of httptools would keep in memory for as long as it is sent."""

    def test_a_head_without_an_end_is_ended(self, app: FastAPI) -> None:
        sent = 0
        with listening(app) as address, connect(address, b"GET /") as connection, suppress(ConnectionError):
            while sent < 50_000_000:
                sent += connection.send(b"x" * 65_536)
        assert sent < 50_000_000

    def test_a_large_body_is_no_head(self) -> None:
        head = b"POST / HTTP/1.1\r\nConnection: close\r\n" + HOST
        app = FastAPI()

        @app.post("/")
        async def size(request: Request) -> int:
            return len(await request.body())

        with listening(app) as address:
            with connect(address, head + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000) as connection:
                assert rest(connection).endswith(b"1000000")
            with connect(address, head + b"Transfer-Encoding: chunked\r\n\r\n") as connection:
                connection.sendall(b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
                assert rest(connection).endswith(b"20000")

    @pytest.mark.parametrize("header", [b"Content-Length: 39\r\n", b"Transfer-Encoding: chunked\r\n"])
    def test_the_body_of_a_request_to_upgrade_is_no_request(self, app: FastAPI, header: bytes) -> None:
        upgrade = b"POST /auth/logout HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" + HOST + header + b"\r\n"
        smuggled = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
        with listening(app) as address:
            for later in (False, True):
                with (
                    connect(address, upgrade if later else upgrade + smuggled) as connection,
                    suppress(ConnectionError),
                ):
                    if later:
                        time.sleep(SECONDS)
                        connection.sendall(smuggled)
                    answers = rest(connection)
                    assert (answers.count(b"HTTP/1.1 400"), answers.count(b"HTTP/1.1 ")) == (1, 1)
            bodiless = upgrade.replace(header, b"Content-Length: 0\r\n").replace(
                b"Upgrade\r\n", b"Upgrade, close\r\n", 1
            )
            with connect(address, bodiless) as connection:
                assert rest(connection).startswith(b"HTTP/1.1 422 ")

    def test_requests_that_wait_for_no_answer_are_few(self, app: FastAPI) -> None:
        asked = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
        with listening(app) as address:
            with connect(address, asked * 1_000) as connection:
                answers = rest(connection)
            assert answers.count(b"HTTP/1.1 200") <= connections.MAX_PIPELINED + 1
            with connect(address, asked * 10 + asked.replace(HOST, HOST + b"Connection: close\r\n")) as connection:
                assert rest(connection).count(b"HTTP/1.1 200") == 11


def test_those_silent_for_longest_make_room_with_a_line_a_second(address: tuple[str, int], lines: Lines) -> None:
    with ExitStack() as opened:
        idle = [opened.enter_context(connect(address)) for _ in range(4 * MOST)]
        with closing(HTTPConnection(*address, timeout=10)) as client:
            assert ask(client) == 200
        assert [rest(connection) for connection in idle[: 3 * MOST]] == [b""] * 3 * MOST
        told = lines.of("app.connections")
        assert {line["level"] for line in told} == {"warning"}
        assert 1 <= len(told) <= 2
