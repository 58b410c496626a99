"""Attacks by clients, browsers and sites that worked on other projects, played again: guessing, flooding, framing, lying."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth.tokens import issue_access_token
from app.main import create_app
from app.models import RefreshToken, User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD
from tests.integration.test_access import ACCESS
from tests.postbox import Postbox
from tests.rows import everything
from tests.unit.given import complaints

WRONG = "Wrong-password"
EVIL = "https://evil.example.net"
NEWCOMER = {"name": "New", "password": "Password2"}

Try = Callable[[Client, str], Response]


def log_in(client: Client, email: str, password: str = WRONG) -> Response:
    return client.post("/auth/login", json={"email": email, "password": password})


def log_in_with_form(client: Client, email: str, password: str = WRONG) -> Response:
    return client.post("/auth/token", data={"username": email, "password": password})


def register(client: Client, email: str) -> Response:
    return client.post("/auth/register", json=NEWCOMER | {"email": email})


def forget(client: Client, email: str) -> Response:
    return client.post("/auth/password/forgot", json={"email": email})


def resend(client: Client, _email: str) -> Response:
    return client.post("/auth/email/verify/resend")


def assert_too_many(response: Response) -> None:
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert isinstance(response.json()["detail"], str)


class TestWithoutEnd:
    @pytest.mark.parametrize("attempt", [log_in, log_in_with_form, register])
    def test_an_account_is_not_tried_more_than_ten_times(
        self, anon_client: Client, db: Session, user: User, attempt: Try
    ) -> None:
        before = everything(db)
        answers = [attempt(anon_client, user.email) for _ in range(11)]
        assert 429 not in {response.status_code for response in answers[:10]}
        assert_too_many(answers[10])
        assert everything(db) == before

    def test_the_right_password_is_not_told_from_the_wrong_ones_then(
        self, anon_client: Client, db: Session, user: User
    ) -> None:
        for number in range(10):
            # Either door, the address in any letters: they are one account.
            way = (log_in, log_in_with_form)[number % 2]
            assert way(anon_client, ("user@example.com", "USER@example.com")[number % 2]).status_code == 401
        for way in (log_in, log_in_with_form):
            assert_too_many(way(anon_client, user.email, PASSWORD))
        assert db.scalar(select(func.count()).select_from(RefreshToken)) == 0

    def test_a_stolen_token_does_not_guess_the_password(self, client: Client, db: Session, user: User) -> None:
        def guess(password: str) -> Response:
            return client.put("/users/me/password", json={"current_password": password, "new_password": "Password2"})

        assert [guess(WRONG).status_code for _ in range(10)] == [403] * 10
        before = everything(db)
        assert_too_many(guess(PASSWORD))
        assert everything(db) == before

    def test_a_mailbox_is_not_flooded_by_accounts_that_come_and_go(
        self, anon_client: Client, db: Session, postbox: Postbox
    ) -> None:
        for _ in range(2):
            assert register(anon_client, "victim@example.com").status_code == 201
            token = log_in(anon_client, "victim@example.com", NEWCOMER["password"]).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            if len(postbox.mails) == 1:
                assert anon_client.post("/auth/email/verify/resend", headers=headers).status_code == 202
            assert anon_client.delete("/users/me", headers=headers).status_code == 204
        before = everything(db)
        assert_too_many(register(anon_client, "victim@example.com"))
        assert everything(db) == before
        assert [message["To"] for message in postbox.mails] == ["victim@example.com"] * 3

    def test_somebody_else_still_logs_in(self, anon_client: Client, user: User, other_user: User) -> None:
        for _ in range(11):
            log_in(anon_client, user.email)
        assert log_in(anon_client, other_user.email, PASSWORD).status_code == 200

    @pytest.mark.parametrize("ask", [forget, resend])
    def test_a_mailbox_is_not_flooded(self, client: Client, user: User, postbox: Postbox, ask: Try) -> None:
        answers = [ask(client, user.email) for _ in range(5)]
        assert [response.status_code for response in answers] == [202, 202, 202, 429, 429]
        assert_too_many(answers[-1])
        assert [message["To"] for message in postbox.mails] == [user.email] * 3

    @pytest.mark.slow
    def test_a_client_is_not_another_one_by_saying_so(self, anon_client: Client) -> None:
        def replay(number: int) -> int:
            headers = dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "Forwarded"), f"192.0.2.{number}")
            body = {"refresh_token": f"guess {number}"}
            return anon_client.post("/auth/refresh", json=body, headers=headers).status_code

        assert [replay(number) for number in range(101)] == [401] * 100 + [429]


class TestBrowsers:
    @pytest.mark.parametrize("who", ["anonymous", "admin"])
    def test_every_answer_says_that_it_is_not_framed_sniffed_or_kept(
        self, caller: Client, ids: dict[str, Any], who: str
    ) -> None:
        answers = [
            caller.request(method, path.format_map(ids)) for method, path, _, _ in ACCESS if method in {"GET", "POST"}
        ]
        answers += [caller.get("/unknown"), caller.put("/posts"), caller.get("/posts?limit=0"), caller.get("/docs")]
        assert {401, 404, 405, 422} - {response.status_code for response in answers} <= {401}
        for response in answers:
            headers = response.headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            assert headers["Strict-Transport-Security"].startswith("max-age=")

    def test_the_pages_of_another_site_do_not_read_answers(self, client: Client) -> None:
        ask = {"Origin": EVIL, "Access-Control-Request-Method": "DELETE"}
        answers = [client.get("/users/me", headers={"Origin": origin}) for origin in (EVIL, "null")]
        assert [response.status_code for response in answers] == [200, 200]
        for response in (*answers, client.options("/users/me", headers=ask)):
            assert not [name for name in response.headers if name.startswith("access-control-allow")]


class TestLies:
    def test_a_host_that_is_not_ours_gets_no_link_mailed(
        self, anon_client: Client, user: User, postbox: Postbox
    ) -> None:
        body = {"email": user.email}
        response = anon_client.post("/auth/password/forgot", json=body, headers={"Host": "evil.example.net"})
        assert response.status_code == 400
        assert postbox.mails == []
        assert anon_client.post("/auth/password/forgot", json=body).status_code == 202

    @pytest.mark.parametrize("declared", [True, False])
    def test_a_body_without_end_is_not_read(
        self, client: Client, db: Session, settings: Settings, *, declared: bool
    ) -> None:
        before = everything(db)
        body = b'{"title": "' + b"x" * settings.request_max_bytes + b'"}'
        headers = {"Content-Type": "application/json"}
        for path in ("/posts", "/auth/login", "/auth/register"):
            response = client.post(path, content=body if declared else iter([body]), headers=headers)
            assert response.status_code == 413
        assert everything(db) == before


class TestOperators:
    @pytest.mark.parametrize(
        ("values", "named"),
        [
            ({"secret_key": "x" * 31}, "SECRET_KEY"),
            ({"secret_key_fallbacks": ("x" * 31,)}, "SECRET_KEY_FALLBACKS"),
            ({"debug": True}, "DEBUG"),
            ({"cors_origins": ("*",), "cors_credentials": True}, "CORS_CREDENTIALS"),
        ],
    )
    def test_production_does_not_start_with_what_is_only_safe_elsewhere(
        self, values: dict[str, object], named: str
    ) -> None:
        assert any(named in message for _, message in complaints(environment="production", **values))

    def test_a_key_that_was_rotated_is_taken_for_as_long_as_it_is_named(
        self, db: Session, user: User, settings: Settings
    ) -> None:
        old = settings.model_copy(update={"secret_key": SecretStr("o" * 32)})
        headers = {"Authorization": f"Bearer {issue_access_token(user, old)}"}
        for fallbacks, status in (((old.secret_key,), 200), ((), 401)):
            app = create_app(settings.model_copy(update={"secret_key_fallbacks": fallbacks}))
            assert TestClient(app).get("/users/me", headers=headers).status_code == status
