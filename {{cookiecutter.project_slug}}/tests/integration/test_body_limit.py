"""A body that is too large is refused before it is read, whatever it says of itself, and does nothing."""

import json
import socket
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from itertools import repeat
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth.tokens import issue_access_token
from app.main import create_app
from app.middleware.body_limit import SMALL
from app.models import Post, User
from app.settings import Settings
from tests.client import Client
from tests.listening import listening
from tests.pieces import Pieces

if TYPE_CHECKING:
    from tests.throttling import SetRates

LIMIT = 2_000
CHUNK = b"x" * 100
TOO_LARGE = {"detail": f"The body is too large: at most {LIMIT} bytes"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def limited(client_with: Callable[..., Client], user: User, settings: Settings) -> Client:
    return client_with(issue_access_token(user, settings), request_max_bytes=LIMIT)


def post_of(size: int, slug: str = "new") -> bytes:
    """Return a post in a body of so many bytes."""
    body = json.dumps({"title": "New", "body": "x", "slug": slug}).encode()
    return body + b" " * (size - len(body))


def counted(db: Session, model: type[Post | User]) -> int:
    return db.scalar(select(func.count()).select_from(model)) or 0


class TestDeclaredLength:
    def test_a_body_at_the_limit_is_taken(self, limited: Client, db: Session) -> None:
        response = limited.post("/posts", content=post_of(LIMIT), headers=JSON)
        assert (response.status_code, counted(db, Post)) == (201, 1)

    @pytest.mark.parametrize("path", ["/posts", "/posts/"])
    def test_one_above_is_refused_and_closes_the_connection(self, limited: Client, db: Session, path: str) -> None:
        response = limited.post(path, content=post_of(LIMIT + 1), headers=JSON)
        assert (response.status_code, response.json()) == (413, TOO_LARGE)
        assert response.headers["Connection"] == "close"
        assert counted(db, Post) == 0

    @pytest.mark.parametrize("length", [str(LIMIT + 1), "1" * 30])
    def test_none_of_it_is_read(self, limited: Client, length: str) -> None:
        request = Pieces(limited, "POST", "/posts", JSON | {"Content-Length": length}, repeat(CHUNK))
        assert (request.request(), request.read) == ((413, TOO_LARGE), 0)

    @pytest.mark.parametrize(("method", "path"), [("DELETE", "/users/me"), ("GET", "/users/me"), ("GET", "/nowhere")])
    def test_a_route_that_reads_none_is_not_run(
        self, limited: Client, db: Session, user: User, method: str, path: str
    ) -> None:
        request = Pieces(limited, method, path, {"Content-Length": str(LIMIT + 1)}, repeat(CHUNK))
        assert (request.request(), request.read) == ((413, TOO_LARGE), 0)
        assert counted(db, User) == 1

    def test_anonymous_client_is_told_the_same(self, client_with: Callable[..., Client]) -> None:
        response = client_with(request_max_bytes=LIMIT).post("/posts", content=post_of(LIMIT + 1), headers=JSON)
        assert (response.status_code, response.json()) == (413, TOO_LARGE)


class TestToken:
    """More than `SMALL` is read of nobody whose access token is not good."""

    @pytest.mark.parametrize("declared", [{"Content-Length": str(SMALL + 1)}, {}], ids=["declared", "not declared"])
    @pytest.mark.parametrize("authorization", [None, "Basic dXNlcjpw", "Bearer x", "Bearer {old}"])
    def test_without_one_a_large_body_is_a_401(
        self,
        anon_client: Client,
        user: User,
        settings: Settings,
        authorization: str | None,
        declared: dict[str, str],
    ) -> None:
        old = issue_access_token(user, settings.model_copy(update={"access_token_minutes": -1}))
        headers = JSON | declared | ({"Authorization": authorization.format(old=old)} if authorization else {})
        request = Pieces(anon_client, "POST", "/posts", headers, repeat(CHUNK))
        assert request.request()[0] == 401
        assert request.headers["www-authenticate"] == "Bearer"
        assert request.read <= (0 if declared else SMALL / len(CHUNK) + 1)

    @pytest.mark.parametrize("path", ["/auth/login", "/auth/register/", "/auth/token"])
    def test_credentials_are_small_with_one_too(self, client: Client, path: str) -> None:
        request = Pieces(client, "POST", path, {"Content-Length": str(SMALL + 1)}, repeat(CHUNK))
        assert request.request() == (413, {"detail": f"The body is too large: at most {SMALL} bytes"})
        assert (request.read, request.headers["connection"]) == (0, "close")

    def test_refused_bodies_count_against_the_address(self, anon_client: Client, set_rates: "SetRates") -> None:
        set_rates(address_rate="2/minute")
        answers = [anon_client.post("/auth/login", content=b"x" * (SMALL + 1)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [413, 413, 429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        # What is small is a matter of the route.
        assert anon_client.post("/auth/logout", json={"refresh_token": "x"}).status_code == 204


class TestOtherLength:
    @pytest.mark.parametrize("length", [{}, {"Content-Length": "10"}, {"Content-Length": "many"}], ids=str)
    @pytest.mark.parametrize(
        ("method", "path", "kind"),
        [
            ("POST", "/posts", "application/json"),
            ("PATCH", "/users/me", "application/json"),
            ("POST", "/auth/token", "application/x-www-form-urlencoded"),
            ("POST", "/auth/token", "multipart/form-data; boundary=b"),
        ],
    )
    def test_it_is_read_no_further_than_the_limit(
        self, limited: Client, db: Session, length: dict[str, str], method: str, path: str, kind: str
    ) -> None:
        start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        pieces = iter([start if "multipart" in kind else b"", *[CHUNK] * 1_000])
        request = Pieces(limited, method, path, {"Content-Type": kind} | length, pieces)
        assert request.request() == (413, TOO_LARGE)
        assert request.read <= LIMIT / len(CHUNK) + 2
        assert (counted(db, Post), counted(db, User)) == (0, 1)

    def test_pieces_that_fit_are_taken(self, limited: Client, db: Session) -> None:
        body = post_of(LIMIT)
        response = limited.post("/posts", content=iter([body[:700], body[700:]]), headers=JSON)
        assert (response.status_code, counted(db, Post)) == (201, 1)


class TestLongestPost:
    def test_it_is_taken_in_its_longest_encoding(self, client: Client, db: Session) -> None:
        # Each of its characters takes twelve bytes.
        text = "\N{GRINNING FACE}" * 16_000
        content = json.dumps({"title": text[:200], "body": text, "slug": "a" * 200}, ensure_ascii=True).encode()
        response = client.post("/posts", content=content, headers=JSON)
        assert (response.status_code, len(content) > 190_000) == (201, True)
        assert db.scalars(select(Post)).one().body == text


@pytest.mark.slow
class TestServer:
    @pytest.mark.parametrize(
        "head",
        [
            f"Content-Length: {LIMIT + 1}\r\n\r\n",
            f"Transfer-Encoding: chunked\r\n\r\n{LIMIT + 1:x}\r\n{'x' * (LIMIT + 1)}\r\n",
        ],
        ids=["declared", "in pieces"],
    )
    def test_who_waits_for_the_answer_gets_it_and_is_let_go(self, settings: Settings, head: str) -> None:
        app = create_app(settings.model_copy(update={"request_max_bytes": LIMIT}))
        request = f"POST /auth/login HTTP/1.1\r\nHost: testserver\r\nContent-Type: application/json\r\n{head}"
        with listening(app) as address, socket.create_connection(address, timeout=10) as connection:
            connection.sendall(request.encode())
            with connection.makefile("rb") as answer:
                text = answer.read()
        assert text.startswith(b"HTTP/1.1 413 ")
        assert text.endswith(json.dumps(TOO_LARGE, separators=(",", ":")).encode())

    def test_a_client_without_token_gets_its_401_and_keeps_its_connection(self, app: FastAPI) -> None:
        headers = {"Host": "testserver", "Content-Type": "application/json"}
        with listening(app) as address, closing(HTTPConnection(*address, timeout=10)) as connection:
            connection.connect()
            kept = connection.sock
            for body, status in ((b"x" * 900_000, 401), (b"{}", 401)):
                connection.request("POST", "/posts", body, headers)
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (status, b'{"detail":"Not authenticated"}')
            assert connection.sock is kept
