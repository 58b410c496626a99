"""Who may do what: every route, asked by everybody."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy.orm import Session

from app.auth import one_time_tokens, sessions
from app.auth.tokens import issue_access_token
from app.models import (
    PostStatus,
    Purpose,
    Role,
    User,
    # {% if cookiecutter.use_celery %}
    post_import,
    # {% endif %}
)
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.rows import everything

LOGIN = {"email": "other@example.com", "password": PASSWORD}
NEWCOMER = {"email": "new@example.com", "name": "New", "password": "Password2"}
POST = {"title": "New", "body": "New", "slug": "new"}
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "Password2"}

EVERYBODY = ("anonymous", "stranger", "owner", "admin")
# The user, the posts, the session and the tokens in question are the owner's; "me" is whoever asks.
ACCESS: list[tuple[str, str, Any, tuple[int, int, int, int]]] = [
    ("POST", "/auth/register", {"json": NEWCOMER}, (201, 201, 201, 201)),
    ("POST", "/auth/login", {"json": LOGIN}, (200, 200, 200, 200)),
    ("POST", "/auth/token", {"data": {"username": LOGIN["email"], "password": PASSWORD}}, (200, 200, 200, 200)),
    ("POST", "/auth/refresh", {"json": {"refresh_token": "{token}"}}, (200, 200, 200, 200)),
    ("POST", "/auth/logout", {"json": {"refresh_token": "{token}"}}, (204, 204, 204, 204)),
    ("GET", "/auth/sessions", {}, (401, 200, 200, 200)),
    ("DELETE", "/auth/sessions", {}, (401, 204, 204, 204)),
    ("DELETE", "/auth/sessions/{session_id}", {}, (401, 404, 204, 404)),
    ("POST", "/auth/password/forgot", {"json": {"email": LOGIN["email"]}}, (202, 202, 202, 202)),
    ("POST", "/auth/password/reset", {"json": {"token": "{reset}", "password": "Password2"}}, (204, 204, 204, 204)),
    ("POST", "/auth/email/verify", {"json": {"token": "{verification}"}}, (204, 204, 204, 204)),
    ("POST", "/auth/email/verify/resend", {}, (401, 202, 202, 202)),
    ("GET", "/users/me", {}, (401, 200, 200, 200)),
    ("PATCH", "/users/me", {"json": {"name": "New"}}, (401, 200, 200, 200)),
    ("DELETE", "/users/me", {}, (401, 204, 204, 204)),
    ("PUT", "/users/me/password", {"json": NEW_PASSWORD}, (401, 204, 204, 204)),
    ("GET", "/users", {}, (401, 403, 403, 200)),
    ("POST", "/users", {"json": NEWCOMER}, (401, 403, 403, 201)),
    ("GET", "/users/{user_id}", {}, (401, 200, 200, 200)),
    ("PATCH", "/users/{user_id}", {"json": {"name": "New"}}, (401, 403, 200, 200)),
    ("PATCH", "/users/{user_id}", {"json": {"role": "admin"}}, (401, 403, 403, 200)),
    ("PATCH", "/users/{user_id}", {"json": {"is_active": False}}, (401, 403, 403, 200)),
    ("DELETE", "/users/{user_id}", {}, (401, 403, 204, 204)),
    ("GET", "/users/{user_id}/posts", {}, (200, 200, 200, 200)),
    ("GET", "/posts", {}, (200, 200, 200, 200)),
    ("POST", "/posts", {"json": POST}, (401, 201, 201, 201)),
    # {% if cookiecutter.use_celery %}
    ("POST", "/posts/import", {"files": {"file": b"title,body,slug\nNew,New,new\n"}}, (401, 202, 202, 202)),
    ("GET", "/tasks/{task_id}", {}, (401, 404, 200, 404)),
    # {% endif %}
    ("GET", "/posts/{post_id}", {}, (200, 200, 200, 200)),
    ("GET", "/posts/{draft_id}", {}, (404, 404, 200, 200)),
    ("GET", "/posts/{deleted_id}", {}, (404, 404, 404, 404)),
    ("PATCH", "/posts/{post_id}", {"json": {"title": "New"}}, (401, 403, 200, 200)),
    ("PATCH", "/posts/{draft_id}", {"json": {"title": "New"}}, (401, 403, 200, 200)),
    ("PATCH", "/posts/{deleted_id}", {"json": {"title": "New"}}, (401, 404, 404, 404)),
    ("DELETE", "/posts/{post_id}", {}, (401, 403, 204, 204)),
    ("DELETE", "/posts/{draft_id}", {}, (401, 403, 204, 204)),
    ("DELETE", "/posts/{deleted_id}", {}, (401, 404, 404, 404)),
    ("GET", "/health/live", {}, (200, 200, 200, 200)),
    ("GET", "/health/ready", {}, (200, 200, 200, 200)),
]
# In no schema, and for anyone, or who has a token that is no user's.
UNLISTED = {"/openapi.json", "/docs", "/docs/{asset}", "/metrics"}


def without_names(path: str) -> str:
    """Return the path with its parameters unnamed: the same route whatever is asked for, a post, a draft or a deleted one."""
    return re.sub(r"\{[^}]+\}", "{}", path)


def writes(method: str, status: int) -> bool:
    return method != "GET" and status < 400


CASES = [
    pytest.param(method, path, options, dict(zip(EVERYBODY, statuses, strict=True)), id=f"{method} {path} {options}")
    for method, path, options, statuses in ACCESS
]
WRITING = [
    pytest.param(method, path, options, who, status, id=f"{method} {path} {options} by {who}")
    for method, path, options, statuses in ACCESS
    for who, status in zip(EVERYBODY, statuses, strict=True)
    if writes(method, status)
]
# Those who may not do a thing at all, whatever their request says.
REFUSALS = sorted(
    {
        (method, path, who, status)
        for method, path, options, statuses in ACCESS
        for who, status in zip(EVERYBODY[:2], statuses, strict=False)
        if "json" in options and status in {401, 403}
    }
)


class Ids(dict[str, Any]):
    """Says what to add where a path names what is not there."""

    def __missing__(self, name: str) -> Any:
        pytest.fail(
            f"A path names {name!r}, of which the fixture `ids` in tests/integration/test_access.py has none: "
            f"add a line such as {name}=PostFactory(author=other_user).id",
            pytrace=False,
        )


@pytest.fixture
def ids(db: Session, other_user: User, settings: Settings) -> dict[str, Any]:
    """What a path or a body names: one of each, the owner's."""
    # {% if cookiecutter.use_celery %}
    complete = post_import.ImportStatus.COMPLETE
    db.add(post_import.PostImport(task_id="a" * 32, author_id=other_user.id, total=1, status=complete))
    # {% endif %}
    return Ids(
        user_id=other_user.id,
        post_id=PostFactory(author=other_user).id,
        draft_id=PostFactory(author=other_user, status=PostStatus.DRAFT).id,
        deleted_id=PostFactory(author=other_user, deleted_at=other_user.created_at).id,
        session_id="a" * 32,
        # {% if cookiecutter.use_celery %}
        task_id="a" * 32,
        # {% endif %}
        token=sessions.add_token(db, other_user, "a" * 32, settings),
        reset=one_time_tokens.issue(db, other_user, Purpose.PASSWORD_RESET, settings),
        verification=one_time_tokens.issue(db, other_user, Purpose.EMAIL_VERIFICATION, settings),
    )


@pytest.fixture
def headers(user: User, other_user: User, admin: User, settings: Settings) -> dict[str, dict[str, str]]:
    """By which a request is somebody's; the rows of `ids` are the owner's, and the admin is not the last one."""
    UserFactory(role=Role.ADMIN)
    callers = {"stranger": user, "owner": other_user, "admin": admin}
    tokens = {who: issue_access_token(one, settings) for who, one in callers.items()}
    return {"anonymous": {}} | {who: {"Authorization": f"Bearer {token}"} for who, token in tokens.items()}


@pytest.fixture
def caller(anon_client: Client, headers: dict[str, dict[str, str]], who: str) -> Client:
    anon_client.headers.update(headers[who])
    return anon_client


def sent(options: dict[str, Any], ids: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a request, whose body has the tokens that it names."""
    return options | {"json": filled(options["json"], ids)} if isinstance(options.get("json"), dict) else options


def filled(body: dict[str, Any], ids: dict[str, Any]) -> dict[str, Any]:
    """Return the body with the tokens that it names."""
    return {name: value.format_map(ids) if isinstance(value, str) else value for name, value in body.items()}


@pytest.mark.parametrize(("method", "path", "options", "statuses"), CASES)
def test_everybody_sees_what_is_theirs_and_a_refusal_writes_nothing(
    anon_client: Client,
    db: Session,
    ids: dict[str, Any],
    headers: dict[str, dict[str, str]],
    method: str,
    path: str,
    options: dict[str, Any],
    statuses: dict[str, int],
) -> None:
    before = everything(db)
    for who, status in statuses.items():
        if not writes(method, status):
            response = anon_client.request(method, path.format_map(ids), headers=headers[who], **sent(options, ids))
            assert response.status_code == status, who
            assert ("WWW-Authenticate" in response.headers) == (status == 401), who
            assert everything(db) == before, who


@pytest.mark.parametrize(("method", "path", "options", "who", "status"), WRITING)
def test_who_may_write_does(
    caller: Client, ids: dict[str, Any], method: str, path: str, options: dict[str, Any], status: int
) -> None:
    assert caller.request(method, path.format_map(ids), **sent(options, ids)).status_code == status


def test_a_refusal_says_nothing_of_what_else_is_wrong(
    anon_client: Client, ids: dict[str, Any], headers: dict[str, dict[str, str]]
) -> None:
    assert len(REFUSALS) > 10
    for method, path, who, status in REFUSALS:
        response = anon_client.request(method, path.format_map(ids), headers=headers[who], json=["no object"])
        assert response.status_code == status, f"{method} {path} by {who}"


def test_every_route_is_asked_by_everybody(app: FastAPI) -> None:
    routes = {
        (method, without_names(route.path or "")): f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
        if route.path not in UNLISTED
    }
    asked = {(method, without_names(path)): f"{method} {path}" for method, path, _, _ in ACCESS}
    missing, gone = (
        [one[key] for key in one.keys() - other.keys()] for one, other in ((routes, asked), (asked, routes))
    )
    assert not missing, f"Say in ACCESS, in tests/integration/test_access.py, who may use {sorted(missing)}"
    assert not gone, f"ACCESS, in tests/integration/test_access.py, names routes that are gone: {sorted(gone)}"


def test_a_path_parameter_without_an_id_is_named_with_what_to_do(ids: dict[str, Any]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"'product_id'.*tests/integration/test_access\.py"):
        "/products/{product_id}".format_map(ids)
