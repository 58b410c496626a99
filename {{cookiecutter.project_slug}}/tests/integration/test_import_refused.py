"""`POST /posts/import`: what is refused as a whole, of which nothing is kept."""

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth.tokens import issue_access_token
from app.database import SessionLocal
from app.imports.csv_rows import Row, read_rows
from app.imports.router import FORM_BYTES
from app.models import Post, User
from app.models.post_import import PostImport
from app.settings import Settings
from tests.client import Client
from tests.committed import add_users
from tests.pieces import Pieces
from tests.workers import form, numbered

LIMIT = 5_000
MOST = LIMIT + FORM_BYTES
MOST_ELSEWHERE = 1_000
CHUNK = b"x" * 100
TOO_LARGE = {"detail": f"The file is too large: at most {LIMIT} bytes"}
BODY_TOO_LARGE = {"detail": f"The body is too large: at most {MOST} bytes"}


def kept(db: Session) -> int:
    """Return how many imports and posts there are."""
    return sum(db.scalar(select(func.count()).select_from(model)) or 0 for model in (PostImport, Post))


class TestImportFilesThatAreWrong:
    @pytest.mark.parametrize(
        ("document", "message"),
        [
            pytest.param(b"", "The first line must name", id="empty"),
            pytest.param(b"title,body,slug\n", "The file has no rows", id="only a header"),
            pytest.param(b"title,body\nTitle,Body\n", "The first line must name", id="too few columns"),
            pytest.param(b"title,body,slug,slug\nT,B,a,b\n", "The first line must name", id="a column twice"),
            pytest.param(numbered(1).decode().encode("utf-16"), "The file is not encoded in UTF-8", id="UTF-16"),
            pytest.param("title,body,slug\nZoë,B,a\n".encode("latin-1"), "The file is not encoded", id="Latin-1"),
        ],
    )
    def test_the_field_is_named(self, client: Client, db: Session, document: bytes, message: str) -> None:
        response = client.post("/posts/import", **form(document))
        assert response.status_code == 422
        (problem,) = response.json()["detail"]
        assert problem["loc"] == ["body", "file"]
        assert problem["msg"].startswith(message)
        assert kept(db) == 0

    @pytest.mark.parametrize(
        ("request_body", "kind"),
        [
            pytest.param({}, "missing", id="nothing"),
            pytest.param({"files": {"other": ("posts.csv", numbered(1))}}, "missing", id="another field"),
            pytest.param({"files": {"file": (None, numbered(1))}}, "value_error", id="a field of a form"),
            pytest.param({"data": {"file": numbered(1).decode()}}, "value_error", id="a field of a plain form"),
            pytest.param({"json": {"file": numbered(1).decode()}}, "missing", id="JSON"),
            pytest.param(
                {"content": numbered(1), "headers": {"Content-Type": "text/csv"}}, "missing", id="the file by itself"
            ),
        ],
    )
    def test_anything_but_a_file_is_refused(
        self, client: Client, db: Session, request_body: dict[str, Any], kind: str
    ) -> None:
        response = client.post("/posts/import", **request_body)
        assert response.status_code == 422
        assert [(item["loc"], item["type"]) for item in response.json()["detail"]] == [(["body", "file"], kind)]
        assert kept(db) == 0


class TestImportWithoutPermission:
    @pytest.mark.parametrize("document", [numbered(1), b""])
    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session, document: bytes) -> None:
        response = anon_client.post("/posts/import", **form(document))
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert kept(db) == 0

    def test_an_author_who_is_deleted_meanwhile_is_refused(
        self, server: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (headers,) = add_users(settings, "user@example.com")

        def read_rows_while_the_author_goes(document: bytes) -> Iterator[Row]:
            with SessionLocal.begin() as elsewhere:
                elsewhere.execute(delete(User))
            return read_rows(document)

        monkeypatch.setattr("app.imports.service.read_rows", read_rows_while_the_author_goes)
        response = server.post("/posts/import", headers=headers, **form(numbered(1)))
        assert (response.status_code, response.json()) == (401, {"detail": "Invalid or expired token"})
        with SessionLocal() as db:
            assert kept(db) == 0


class TestImportFilesThatAreTooLarge:
    @pytest.fixture
    def author(self, client_with: Callable[..., Client], user: User, settings: Settings) -> Client:
        return client_with(issue_access_token(user, settings), import_max_bytes=LIMIT, request_max_bytes=MOST_ELSEWHERE)

    @staticmethod
    def document(size: int) -> bytes:
        head = b"title,body,slug\nTitle,Body,slug\n"
        return head + b"\n" * (size - len(head))

    @pytest.mark.parametrize("path", ["/posts/import", "/posts/import/"])
    def test_one_at_the_limit_is_taken(self, author: Client, db: Session, path: str) -> None:
        assert author.post(path, **form(self.document(LIMIT))).status_code == 202
        assert kept(db) == 2

    @pytest.mark.parametrize("size", [LIMIT + 1, LIMIT + FORM_BYTES - 500])
    def test_one_above_is_refused(self, author: Client, db: Session, size: int) -> None:
        response = author.post("/posts/import", **form(self.document(size)))
        assert (response.status_code, response.json()) == (413, TOO_LARGE)
        assert kept(db) == 0

    def test_one_that_is_so_without_its_form_is_refused(self, author: Client, db: Session) -> None:
        response = author.post("/posts/import", **form(self.document(MOST + 1)))
        assert (response.status_code, response.json()) == (413, BODY_TOO_LARGE)
        assert kept(db) == 0

    def test_one_that_says_so_is_not_read(self, author: Client) -> None:
        length = {"Content-Length": str(MOST + 1), "Content-Type": "multipart/form-data; boundary=b"}
        upload = Pieces(author, "POST", "/posts/import", length, repeat(CHUNK))
        assert (upload.request(), upload.read) == ((413, BODY_TOO_LARGE), 0)

    @pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded"])
    @pytest.mark.parametrize("length", [{}, {"Content-Length": "10"}, {"Content-Length": "many"}], ids=str)
    def test_one_that_does_not_is_read_no_further_than_the_limit(
        self, author: Client, db: Session, kind: str, length: dict[str, str]
    ) -> None:
        start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        pieces = iter([start, *[CHUNK] * 1000])
        upload = Pieces(author, "POST", "/posts/import", {"Content-Type": kind} | length, pieces)
        assert upload.request() == (413, BODY_TOO_LARGE)
        assert MOST_ELSEWHERE / len(CHUNK) < upload.read <= MOST / len(CHUNK) + 1
        assert kept(db) == 0

    @pytest.mark.parametrize(
        ("method", "path"), [("POST", "/posts"), ("PATCH", "/posts/import"), ("PUT", "/posts/import")]
    )
    def test_elsewhere_less_is_taken(self, author: Client, method: str, path: str) -> None:
        response = author.request(method, path, content=b"x" * (MOST_ELSEWHERE + 1))
        assert response.status_code == 413
