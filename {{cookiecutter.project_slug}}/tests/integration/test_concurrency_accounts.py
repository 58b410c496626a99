"""Accounts that change or go while another request is about them, through the real engine and with real commits."""

from types import ModuleType
from typing import Any

import pytest
from httpx2 import Response
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update
from starlette.testclient import TestClient

from app.auth import accounts, service, sessions
from app.auth.passwords import hash_password, verify_password
from app.database import SessionLocal
from app.models import Role, User
from app.posts import service as posts
from app.settings import Settings
from app.users import service as users
from tests.committed import add_session, add_users
from tests.factories import PASSWORD
from tests.meeting import Interruption

USER = "user@example.com"
NEW = "Password2"
GONE = {"detail": "Invalid or expired token"}
CREDENTIALS = {"email": USER, "password": PASSWORD}
POST = {"title": "Title", "body": "Body", "slug": "slug"}


@pytest.fixture
def headers(server: TestClient, settings: Settings) -> dict[str, str]:
    """How the user is known who changes or goes."""
    return add_users(settings, USER)[0]


@pytest.fixture
def admin_headers(server: TestClient, settings: Settings) -> dict[str, str]:
    return add_users(settings, "admin@example.com", role=Role.ADMIN)[0]


def change(server: TestClient, headers: dict[str, str], new_password: str = NEW) -> Response:
    body = {"current_password": PASSWORD, "new_password": new_password}
    return server.put("/users/me/password", json=body, headers=headers)


def log_in(server: TestClient, password: str) -> Response:
    return server.post("/auth/login", json={"email": USER, "password": password})


def bearer(response: Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


class TestPasswordChangedMeanwhile:
    def test_what_a_login_with_the_old_password_got_is_no_good(
        self, server: TestClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        changed = Interruption(lambda: change(server, headers))
        monkeypatch.setattr(service, "verify_password", changed.after(verify_password))
        pair = log_in(server, PASSWORD)
        assert (pair.status_code, changed.response.status_code) == (200, 204)
        assert server.get("/users/me", headers=bearer(pair)).status_code == 401
        token = {"refresh_token": pair.json()["refresh_token"]}
        assert server.post("/auth/refresh", json=token).status_code == 401

    def test_a_login_that_renews_the_hash_does_not_bring_the_old_password_back(
        self, server: TestClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        weaker = PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),))
        with SessionLocal.begin() as db:
            db.execute(update(User).values(password_hash=weaker.hash(PASSWORD)))
        changed = Interruption(lambda: change(server, headers))
        monkeypatch.setattr(service, "verify_password", changed.after(verify_password))
        log_in(server, PASSWORD)
        assert changed.response.status_code == 204
        assert [log_in(server, password).status_code for password in (PASSWORD, NEW)] == [401, 200]

    def test_the_second_of_two_changes_is_refused(
        self, server: TestClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = Interruption(lambda: change(server, headers, "Password3"))
        monkeypatch.setattr(users, "hash_password", first.before(hash_password))
        second = change(server, headers)
        assert first.response.status_code == 204
        assert (second.status_code, second.json()) == (401, GONE)
        assert second.headers["WWW-Authenticate"] == "Bearer"
        assert [log_in(server, password).status_code for password in (NEW, "Password3")] == [401, 200]

    def test_the_second_of_two_changes_ends_no_session_begun_since_the_first(
        self, server: TestClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def change_and_log_in() -> Response:
            change(server, headers, "Password3")
            return log_in(server, "Password3")

        first = Interruption(change_and_log_in)
        monkeypatch.setattr(users, "hash_password", first.before(hash_password))
        change(server, headers)
        assert server.get("/users/me", headers=bearer(first.response)).status_code == 200


class TestDeletedMeanwhile:
    @pytest.mark.parametrize(
        ("module", "name", "method", "path", "body", "status", "detail"),
        [
            (accounts, "flush_email", "PATCH", "/users/me", {"name": "New"}, 401, "Invalid or expired token"),
            (accounts, "flush_email", "PATCH", "/users/{id}", {"name": "New"}, 404, "Not found"),
            (users, "delete_user", "DELETE", "/users/me", None, 204, None),
            (posts, "flush_slug", "POST", "/posts", POST, 401, "Invalid or expired token"),
            (posts, "flush_slug", "PATCH", "/posts/{post}", {"title": "New"}, 404, "Not found"),
            (posts, "delete_post", "DELETE", "/posts/{post}", None, 404, "Not found"),
            (sessions, "add_token", "POST", "/auth/login", CREDENTIALS, 401, service.WRONG),
            (sessions, "lock_owner", "POST", "/auth/refresh", {"refresh_token"}, 401, sessions.INVALID),
            (sessions, "lock_owner", "POST", "/auth/logout", {"refresh_token"}, 204, None),
        ],
    )
    def test_the_request_is_answered_as_if_it_came_after(
        self,
        server: TestClient,
        settings: Settings,
        headers: dict[str, str],
        admin_headers: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        module: ModuleType,
        name: str,
        method: str,
        path: str,
        body: Any,
        status: int,
        detail: str | None,
    ) -> None:
        me = server.get("/users/me", headers=headers).json()
        post = server.post("/posts", json=POST | {"slug": "first"}, headers=headers).json()
        token = add_session(settings, USER)
        deleted = Interruption(lambda: server.delete(f"/users/{me['id']}", headers=admin_headers))
        monkeypatch.setattr(module, name, deleted.before(getattr(module, name)))
        response = server.request(
            method,
            path.format(id=me["id"], post=post["id"]),
            json={"refresh_token": token} if body == {"refresh_token"} else body,
            headers=headers,
        )
        assert (response.status_code, deleted.response.status_code) == (status, 204)
        assert detail is None or response.json() == {"detail": detail}
        with SessionLocal() as db:
            assert db.scalars(select(User.email)).all() == ["admin@example.com"]

    def test_a_password_is_not_changed(
        self,
        server: TestClient,
        headers: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        deleted = Interruption(lambda: server.delete("/users/me", headers=headers))
        monkeypatch.setattr(users, "hash_password", deleted.before(hash_password))
        response = change(server, headers)
        assert (response.status_code, response.json()) == (401, GONE)
