"""Ids that are guessed, and tokens of those who may no longer do anything: refused on every route, and nothing written."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session

from app.api.fields import LARGEST_ID
from app.models import User
from tests.client import Client
from tests.integration.test_access import ACCESS, EVERYBODY, Ids, sent, without_names
from tests.rows import everything

NAME = re.compile(r"\{(\w+_id)\}")
NAMING = [
    pytest.param(
        method,
        path,
        options,
        dict(zip(EVERYBODY, statuses, strict=True)),
        id=f"{method} {path} {options.get('json', '')}",
    )
    for method, path, options, statuses in ACCESS
    if NAME.search(path)
]
# What is deleted with a user; other things may belong to nobody, and stay.
THEIRS = {"user_id", "post_id", "draft_id", "deleted_id", "session_id"}
# {% if cookiecutter.use_celery %}
THEIRS.add("task_id")
# {% endif %}
OF_A_USER = [request for request in NAMING if THEIRS.intersection(NAME.findall(str(request.values[1])))]
# Of nothing that there is; and of nothing that there could be.
NOBODYS = {"number": (0, -1, LARGEST_ID, -LARGEST_ID), "text": ("0" * 32, "f" * 32)}
IMPOSSIBLE = {
    "number": (LARGEST_ID + 1, -LARGEST_ID - 1, 10**400, "1.5", "1e400", "NaN", "null", "%00", "1%00", "%F0%9F%98%80"),
    "text": ("0", "0" * 31, "0" * 33, "A" * 32, "0" * 32 + "%0A", "%00" * 32, "*", "%2e%2e%2fme"),
}


def urls(path: str, ids: dict[str, Any], guessed: dict[str, tuple[Any, ...]]) -> Iterator[str]:
    """Yield the path with each guess in the place of each id, the others being right."""
    for name in NAME.findall(path):
        for guess in guessed["number" if isinstance(ids[name], int) else "text"]:
            yield path.format_map(Ids(ids | {name: guess}))


def not_found(statuses: dict[str, int], who: str) -> set[int]:
    """Return what a request for nothing may be answered with: who may do it to nothing at all may be told so first."""
    if statuses[who] == 401:
        return {401}
    return {403, 404} if statuses[who] == statuses["owner"] == 403 else {404}


@pytest.mark.parametrize(("method", "path", "options", "statuses"), NAMING)
class TestGuessedId:
    def test_of_nothing_is_not_found(
        self,
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
        for who in ("anonymous", "stranger", "admin"):
            for url in urls(path, ids, NOBODYS):
                response = anon_client.request(method, url, headers=headers[who], **sent(options, ids))
                assert response.status_code in not_found(statuses, who), f"{url} by {who}"
        assert everything(db) == before

    def test_that_cannot_be_one_is_refused_and_breaks_nothing(
        self,
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
        for who in ("anonymous", "admin"):
            expected = {404, 401 if statuses[who] == 401 else 422}
            for url in urls(path, ids, IMPOSSIBLE):
                response = anon_client.request(method, url, headers=headers[who], **sent(options, ids))
                assert response.status_code in expected, f"{url} by {who}"
        assert everything(db) == before

    def test_that_is_empty_is_never_all_of_them(
        self,
        admin_client: Client,
        db: Session,
        ids: dict[str, Any],
        method: str,
        path: str,
        options: dict[str, Any],
        statuses: dict[str, int],
    ) -> None:
        before = everything(db)
        for empty in ("", "/", "%2f", "?id="):
            response = admin_client.request(method, re.sub(r"\{\w+_id\}", empty, path), **sent(options, ids))
            # What follows an id goes into the query with `?`, and the body to the collection.
            assert response.status_code in ({200, 404} if method == "GET" else {404, 405, 422}), empty
        assert everything(db) == before


@pytest.mark.parametrize(("method", "path", "options", "statuses"), OF_A_USER)
def test_an_id_of_a_user_who_is_gone_or_of_what_was_theirs_is_not_found(
    admin_client: Client,
    db: Session,
    other_user: User,
    ids: dict[str, Any],
    method: str,
    path: str,
    options: dict[str, Any],
    statuses: dict[str, int],
) -> None:
    assert admin_client.delete(f"/users/{other_user.id}").status_code == 204
    before = everything(db)
    assert admin_client.request(method, path.format_map(ids), **sent(options, ids)).status_code == 404
    assert everything(db) == before


def takes_a_token(app: FastAPI, method: str, path: str) -> bool:
    operations = {without_names(one): methods for one, methods in app.openapi()["paths"].items()}
    return "security" in operations[without_names(path)][method.lower()]


def delete(db: Session, user: User) -> None:
    db.delete(user)


def deactivate(_db: Session, user: User) -> None:
    user.is_active = False


def end_sessions(_db: Session, user: User) -> None:
    user.token_version += 1


@pytest.mark.parametrize("who", ["admin"])
@pytest.mark.parametrize("go", [delete, deactivate, end_sessions])
def test_the_token_of_somebody_who_is_gone_is_refused_wherever_one_is_taken(
    caller: Client, app: FastAPI, db: Session, admin: User, ids: dict[str, Any], go: Callable[[Session, User], None]
) -> None:
    go(db, admin)
    db.flush()
    before = everything(db)
    taking = [request for request in ACCESS if takes_a_token(app, *request[:2])]
    assert len(taking) > 20
    for method, path, options, _ in taking:
        response = caller.request(method, path.format_map(ids), **sent(options, ids))
        assert response.status_code == 401, f"{method} {path}"
    assert everything(db) == before
