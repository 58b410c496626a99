"""A body that cannot be decoded is invalid input as any other; a 400 of a route's own stays one."""

import pytest
from fastapi import APIRouter, FastAPI, HTTPException, UploadFile
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.api.errors import install_handlers
from app.api.routing import OneHopRoute
from app.models import User
from tests.client import Client

UNREADABLE = {"detail": [{"type": "body_unreadable", "loc": ["body"], "msg": "The body cannot be read"}]}
FORM = "multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
BODIES = [
    pytest.param(b'{"email": "\xff"}', id="bytes that are no text"),
    pytest.param(b'{"email": ' + b"1" * 5_000 + b"}", id="a number of 5,000 digits"),
    pytest.param(b"[" * 15_000, id="15,000 lists in each other"),
]


class TestUnreadableBody:
    @pytest.mark.parametrize("content", BODIES)
    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "/auth/register"), ("POST", "/auth/login"), ("POST", "/posts"), ("PATCH", "/users/me")],
    )
    def test_json_is_refused_without_repeating_it(
        self, client: Client, db: Session, method: str, path: str, content: bytes
    ) -> None:
        response = client.request(method, path, content=content, headers={"Content-Type": "application/json"})
        assert (response.status_code, response.json()) == (422, UNREADABLE)
        assert db.scalar(select(func.count(User.id))) == 1

    @pytest.mark.parametrize(
        ("kind", "content"),
        [
            pytest.param("multipart/form-data", b"x", id="no boundary"),
            pytest.param(FORM, b"x", id="no parts"),
            pytest.param(FORM, b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", id="no name"),
            pytest.param("application/x-www-form-urlencoded", b"a=1&" * 2_000, id="many fields"),
        ],
    )
    def test_a_form_is_refused_without_repeating_it(self, client: Client, kind: str, content: bytes) -> None:
        response = client.post("/auth/token", content=content, headers={"Content-Type": kind})
        assert (response.status_code, response.json()) == (422, UNREADABLE)


def test_a_file_that_finds_no_room_is_a_503_and_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    install_handlers(app)

    @app.post("/")
    async def take(file: UploadFile) -> str | None:
        return file.filename

    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    content = FILE + b"x" * 1_100_000 + b"\r\n--x--"
    response = TestClient(app).post("/", content=content, headers={"Content-Type": FORM})
    assert (response.status_code, set(response.json())) == (503, {"detail"})
    assert int(response.headers["Retry-After"]) > 0
    (line,) = [record.getMessage() for record in caplog.records if record.name == "app.api.errors"]
    assert "No such file or directory" in line


class TestBadRequestOfARoute:
    @pytest.mark.parametrize("cause", [None, ValueError("x")])
    def test_it_is_answered_as_the_route_says(self, cause: Exception | None) -> None:
        router = APIRouter(route_class=OneHopRoute)

        @router.get("/")
        def refuse() -> None:
            raise HTTPException(400, "Not so", {"X-Reason": "none"}) from cause

        app = FastAPI()
        app.include_router(router)
        install_handlers(app)
        response = TestClient(app).get("/")
        assert (response.status_code, response.json()) == (400, {"detail": "Not so"})
        assert response.headers["X-Reason"] == "none"
