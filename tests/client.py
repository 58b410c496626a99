"""A real HTTP client that does with a served project what its first user does."""

import http.client
import json
import time
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 30
BOUNDARY = "boundary"
CSV = (
    "title,body,slug,status\n"
    + "".join(f"Post {n},Text,post-{n},published\n" for n in range(200))
    + "too,few,columns\n"
)
ACCOUNT = {"email": "ada@example.com", "password": "correct horse battery"}


@dataclass
class Api:
    """JSON in, JSON out, over one connection."""

    connection: http.client.HTTPConnection
    token: str | None = None
    headers: Message = field(default_factory=Message)
    """Those of the last answer."""

    def __call__(self, method: str, path: str, status: int, body: object = None) -> Any:
        """Return the answer's JSON; the answer must have the status."""
        return self.send(method, path, status, json.dumps(body).encode() if body is not None else None)

    def send(
        self, method: str, path: str, status: int, body: bytes | None, content_type: str = "application/json"
    ) -> Any:
        headers = {"Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        self.headers = answer.headers
        text = answer.read().decode()
        assert answer.status == status, f"{method} {path} answered {answer.status}, not {status}: {text[:500]}"
        return json.loads(text) if text else None


def use_the_api(address: str, *, cached: bool, tasks: bool) -> None:
    """Register, log in, and create, read, patch and delete a post; with a worker also import some."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        api = Api(connection)
        user = api("POST", "/auth/register", 201, {**ACCOUNT, "name": "Ada"})
        post = {"title": "Äpfel и 梨", "body": "Text", "slug": "first", "status": "published"}
        api("POST", "/posts", 401, post)
        tokens = api("POST", "/auth/login", 200, ACCOUNT)
        api.token = tokens["access_token"]
        assert api("GET", "/users/me", 200)["id"] == user["id"]
        created = api("POST", "/posts", 201, post)
        path = f"/posts/{created['id']}"
        for expected in ("MISS", "HIT"):
            assert api("GET", path, 200)["title"] == post["title"]
            assert api.headers["X-Cache"] == (expected if cached else None)
        assert api("PATCH", path, 200, {"title": "Changed"})["title"] == "Changed"
        assert api("GET", path, 200)["title"] == "Changed"
        listed = api("GET", "/posts?q=changed", 200)
        assert (listed["total"], listed["items"][0]["id"]) == (1, created["id"])
        api("DELETE", path, 204)
        api("GET", path, 404)
        assert api("GET", "/posts", 200)["total"] == 0
        if tasks:
            import_posts(api)
    finally:
        connection.close()


def import_posts(api: Api) -> None:
    """Send a file, follow the task until it is complete, and find the posts."""
    state = completed(api, uploaded(api, CSV))
    assert (state["processed"], state["total"]) == (201, 201)
    assert [error["line"] for error in state["errors"]] == [202]
    assert api("GET", "/posts", 200)["total"] == 200


def uploaded(api: Api, rows: str) -> str:
    """Send a file to import, and return the task's id."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="posts.csv"\r\n\r\n{rows}\r\n--{BOUNDARY}--\r\n'
    form = f"multipart/form-data; boundary={BOUNDARY}"
    task: str = api.send("POST", "/posts/import", 202, part.encode(), form)["task_id"]
    return task


def completed(api: Api, task: str) -> Any:
    """Follow the task until it is complete, and return its state."""
    deadline = time.monotonic() + PATIENCE
    while (state := api("GET", f"/tasks/{task}", 200))["status"] != "complete":
        assert time.monotonic() < deadline, f"the import is not complete after {PATIENCE} s: {state}"
        time.sleep(0.05)
    return state
