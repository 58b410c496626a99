"""A real HTTP client that does with a served project what its first user does."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ACCOUNT = {"email": "ada@example.com", "password": "correct horse battery"}


@dataclass
class Api:
    """JSON in, JSON out, over one connection."""

    connection: http.client.HTTPConnection
    token: str | None = None

    def __call__(self, method: str, path: str, status: int, body: object = None) -> Any:
        """Return the answer's JSON; the answer must have the status."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        assert answer.status == status, f"{method} {path} answered {answer.status}, not {status}: {text[:500]}"
        return json.loads(text) if text else None


def use_the_api(address: str) -> None:
    """Register, log in, and create, read, patch and delete a post."""
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
        assert api("GET", path, 200)["title"] == post["title"]
        assert api("PATCH", path, 200, {"title": "Changed"})["title"] == "Changed"
        listed = api("GET", "/posts?q=changed", 200)
        assert (listed["total"], listed["items"][0]["id"]) == (1, created["id"])
        api("DELETE", path, 204)
        api("GET", path, 404)
        assert api("GET", "/posts", 200)["total"] == 0
    finally:
        connection.close()
