"""What a request costs the database: the statements it runs, and that it runs them in one transaction."""

from collections.abc import Callable, Iterator
from threading import get_ident
from typing import Any

import pytest
from fastapi import BackgroundTasks
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from app.auth import one_time_tokens, sessions
from app.database import engine
from app.models import Post, PostStatus, Purpose, RefreshToken, User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD, PostFactory, UserFactory

MANY = 15
MAILED = ("password/forgot", "password/reset", "email/verify")
# The user is locked, their posts are looked for and deleted, and then the user.
DELETE_USER = 4
MAIL = 0
# {% if cookiecutter.use_celery %}
# Each is kept until it is delivered.
MAIL = 1
# {% endif %}


class Costs:
    """The statements, transactions and commits of the application, which runs in another thread than the test."""

    def __init__(self) -> None:
        self.test = get_ident()
        self.statements: list[str] = []
        self.loaded = 0
        self.begun = 0
        self.committed = 0

    def add_statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if get_ident() != self.test and not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            self.statements.append(statement)

    def add_load(self, *_: Any) -> None:
        self.loaded += get_ident() != self.test

    def add_begin(self, _session: Session, transaction: SessionTransaction, _connection: Any) -> None:
        self.begun += get_ident() != self.test and not transaction.nested

    def add_commit(self, session: Session) -> None:
        self.committed += get_ident() != self.test and not session.in_nested_transaction()


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Costs]:
    """What requests cost, without what is done after their answers."""

    async def leave_undone(_tasks: BackgroundTasks) -> None:
        pass

    monkeypatch.setattr(BackgroundTasks, "__call__", leave_undone)
    costs = Costs()
    listeners: list[tuple[Any, str, Callable[..., None]]] = [
        (engine, "before_cursor_execute", costs.add_statement),
        *((model, "load", costs.add_load) for model in (User, Post, RefreshToken)),
        (Session, "after_begin", costs.add_begin),
        (Session, "after_commit", costs.add_commit),
    ]
    for target, name, listener in listeners:
        event.listen(target, name, listener)
    yield costs
    for target, name, listener in listeners:
        event.remove(target, name, listener)


def fill(*authors: User) -> None:
    for author in authors:
        PostFactory.create_batch(MANY, author=author)
        PostFactory.create_batch(MANY, author=author, status=PostStatus.DRAFT)


@pytest.fixture
def ids(db: Session, user: User, other_user: User, settings: Settings) -> dict[str, Any]:
    return {
        "own": user.id,
        "other": other_user.id,
        "post": PostFactory(author=user).id,
        "theirs": PostFactory(author=other_user, status=PostStatus.DRAFT).id,
        "session": "a" * 32,
        "token": sessions.add_token(db, user, "a" * 32, settings),
        "reset": one_time_tokens.issue(db, user, Purpose.PASSWORD_RESET, settings),
        "verification": one_time_tokens.issue(db, user, Purpose.EMAIL_VERIFICATION, settings),
    }


# The caller's row is one statement; a list is two, of which one counts. By `user`, unless the route is for others.
COSTS: list[tuple[str, str, Any, int]] = [
    ("GET", "/health/live", None, 0),
    ("GET", "/health/ready", None, 1),
    ("GET", "/users/me", None, 1),
    ("PATCH", "/users/me", {"name": "New"}, 2),
    ("PATCH", "/users/me", {"email": "new@example.com"}, 2 + 2 * MAIL),
    ("DELETE", "/users/me", None, 1 + DELETE_USER),
    ("PUT", "/users/me/password", {"current_password": PASSWORD, "new_password": "Password2"}, 3 + MAIL),
    ("GET", "/users/{own}", None, 2),
    ("GET", "/users/{other}", None, 2),
    ("PATCH", "/users/{own}", {"name": "New"}, 2),
    ("PATCH", "/users/{other}", {"name": "New"}, 2),
    ("DELETE", "/users/{own}", None, 1 + DELETE_USER),
    ("GET", "/users/{own}/posts", None, 3),
    ("GET", "/users/{other}/posts", None, 4),
    ("GET", "/posts", None, 3),
    ("GET", "/posts?q=body&status=published&author_id={own}&sort=title", None, 3),
    ("GET", "/posts?status=draft&author_id={other}", None, 3),
    ("POST", "/posts", {"title": "New", "body": "New", "slug": "new"}, 2),
    ("GET", "/posts/{post}", None, 2),
    ("PATCH", "/posts/{post}", {"title": "New"}, 3),
    ("PATCH", "/posts/{post}", {"slug": "new"}, 3),
    ("PATCH", "/posts/{theirs}", {"title": "New"}, 2),
    ("DELETE", "/posts/{post}", None, 3),
    ("POST", "/auth/register", {"email": "new@example.com", "name": "New", "password": PASSWORD}, 1 + MAIL),
    ("POST", "/auth/login", {"email": "user@example.com", "password": PASSWORD}, 2),
    ("POST", "/auth/refresh", {"refresh_token": "{token}"}, 4),
    ("POST", "/auth/logout", {"refresh_token": "{token}"}, 3),
    ("GET", "/auth/sessions", None, 3),
    ("DELETE", "/auth/sessions", None, 2),
    ("DELETE", "/auth/sessions/{session}", None, 4),
    ("POST", "/auth/password/reset", {"token": "{reset}", "password": "Password2"}, 5 + MAIL),
    ("POST", "/auth/email/verify", {"token": "{verification}"}, 4),
    ("POST", "/auth/email/verify/resend", None, 1 + MAIL),
]


@pytest.mark.parametrize("rows", ["few", "many"])
@pytest.mark.parametrize(("method", "path", "body", "statements"), COSTS)
def test_it_does_not_grow_with_the_rows(
    client: Client,
    user: User,
    other_user: User,
    ids: dict[str, Any],
    costs: Costs,
    method: str,
    path: str,
    body: Any,
    statements: int,
    rows: str,
) -> None:
    if rows == "many":
        fill(user, other_user)
    filled = body and {name: value.format(**ids) for name, value in body.items()}
    response = client.request(method, path.format(**ids), json=filled)
    assert response.status_code < 400 or (response.status_code, "{other}" in path or "{theirs}" in path) == (403, True)
    assert len(costs.statements) == statements, "\n".join(costs.statements)
    assert costs.begun == (1 if statements else 0)
    assert costs.committed == (1 if statements and response.status_code < 400 else 0)


@pytest.mark.parametrize("rows", [1, MANY])
@pytest.mark.parametrize(
    ("method", "path", "body", "statements"),
    [
        ("GET", "/users", None, 3),
        ("POST", "/users", {"email": "new@example.com", "name": "New", "password": PASSWORD}, 2),
        ("DELETE", "/users/{other}", None, 2 + DELETE_USER),
    ],
)
def test_it_does_not_grow_with_the_rows_for_an_admin_either(
    admin_client: Client,
    ids: dict[str, Any],
    costs: Costs,
    method: str,
    path: str,
    body: Any,
    statements: int,
    rows: int,
) -> None:
    UserFactory.create_batch(rows)
    assert admin_client.request(method, path.format(**ids), json=body).is_success
    assert len(costs.statements) == statements, "\n".join(costs.statements)
    assert (costs.begun, costs.committed) == (1, 1)


@pytest.mark.parametrize("limit", [1, 2, MANY])
def test_a_page_fetches_no_more_rows_than_it_shows(
    anon_client: Client, db: Session, user: User, costs: Costs, limit: int
) -> None:
    fill(user)
    assert len(anon_client.get(f"/posts?limit={limit}").json()["items"]) == limit
    assert costs.loaded == limit


class TestRefusedEarly:
    """What needs no database takes no connection."""

    @pytest.mark.parametrize(("method", "path"), [("GET", "/users/me"), ("DELETE", "/posts/1"), ("GET", "/users")])
    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer forged"}])
    def test_an_unknown_caller_costs_nothing(
        self, anon_client: Client, costs: Costs, method: str, path: str, headers: dict[str, str]
    ) -> None:
        assert anon_client.request(method, path, headers=headers).status_code == 401
        assert (costs.statements, costs.begun) == ([], 0)

    def test_an_invalid_body_costs_nothing_where_anybody_may_send_one(self, anon_client: Client, costs: Costs) -> None:
        for path in ("register", "login", "token", "refresh", "logout", *MAILED):
            assert anon_client.post(f"/auth/{path}", json={}).status_code == 422
        assert (costs.statements, costs.begun) == ([], 0)

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/auth/register", {"json": {"email": "user@example.com", "name": "New", "password": PASSWORD}}),
            ("/auth/login", {"json": {"email": "user@example.com", "password": PASSWORD}}),
            ("/auth/token", {"data": {"username": "user@example.com", "password": PASSWORD}}),
            ("/auth/refresh", {"json": {"refresh_token": "token"}}),
        ],
    )
    def test_one_attempt_too_many_costs_nothing(
        self, anon_client: Client, costs: Costs, set_rates: Callable[..., None], path: str, body: dict[str, Any]
    ) -> None:
        set_rates(account_rate="1/minute")
        anon_client.post(path, **body)
        tried = list(costs.statements)
        assert tried
        assert anon_client.post(path, **body).status_code == 429
        assert (costs.statements, costs.begun) == (tried, 1)

    def test_an_unknown_path_costs_nothing(self, client: Client, costs: Costs) -> None:
        assert client.get("/unknown").status_code == 404
        assert (costs.statements, costs.begun) == ([], 0)
