"""Ids that are guessed, and tokens of those who may no longer do anything: refused on every route, and nothing written."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session

from app.fields import LARGEST_ID
from app.models import User
from tests.client import Client
from tests.integration.test_access import ACCESS, sent
from tests.rows import everything

REQUESTS = [
    pytest.param(method, path, options, statuses[0], id=f"{method} {path} {options.get('json', '')}")
    for method, path, options, statuses in ACCESS
]
NAMING = [request for request in REQUESTS if re.search(r"\{\w+_id\}", str(request.values[1]))]
# Of nothing that there is; and of nothing that there could be.
NOBODYS = {"number": (0, -1, LARGEST_ID, -LARGEST_ID), "text": ("0" * 32, "f" * 32)}
IMPOSSIBLE = {
    "number": (LARGEST_ID + 1, -LARGEST_ID - 1, 10**400, "1.5", "1e400", "NaN", "null", "%00", "1%00", "%F0%9F%98%80"),
    "text": ("0", "0" * 31, "0" * 33, "A" * 32, "0" * 32 + "%0A", "%00" * 32, "*", "%2e%2e%2fme"),
}


def guesses(guessed: dict[str, tuple[Any, ...]], path: str) -> tuple[Any, ...]:
    return guessed["text" if "task_id" in path or "session_id" in path else "number"]


@pytest.mark.parametrize(("method", "path", "options", "anonymous"), NAMING)
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
        anonymous: int,
    ) -> None:
        before = everything(db)
        for who in ("anonymous", "stranger", "admin"):
            expected = 401 if (who, anonymous) == ("anonymous", 401) else 404
            for guess in guesses(NOBODYS, path):
                url = re.sub(r"\{\w+_id\}", str(guess), path)
                response = anon_client.request(method, url, headers=headers[who], **sent(options, ids))
                assert response.status_code == expected, f"{url} by {who}"
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
        anonymous: int,
    ) -> None:
        before = everything(db)
        for who in ("anonymous", "admin"):
            expected = {401, 404} if (who, anonymous) == ("anonymous", 401) else {404, 422}
            for guess in guesses(IMPOSSIBLE, path):
                url = re.sub(r"\{\w+_id\}", str(guess), path)
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
        anonymous: int,
    ) -> None:
        before = everything(db)
        for empty in ("", "/", "%2f", "?id="):
            response = admin_client.request(method, re.sub(r"\{\w+_id\}", empty, path), **sent(options, ids))
            assert response.status_code in ({200, 404} if method == "GET" else {404, 405}), empty
        assert everything(db) == before

    def test_of_a_user_or_a_post_that_is_gone_is_not_found(
        self,
        admin_client: Client,
        db: Session,
        other_user: User,
        ids: dict[str, Any],
        method: str,
        path: str,
        options: dict[str, Any],
        anonymous: int,
    ) -> None:
        assert admin_client.delete(f"/users/{other_user.id}").status_code == 204
        before = everything(db)
        assert admin_client.request(method, path.format(**ids), **sent(options, ids)).status_code == 404
        assert everything(db) == before


def takes_a_token(app: FastAPI, method: str, path: str) -> bool:
    operation = app.openapi()["paths"][re.sub("draft_id|deleted_id", "post_id", path)][method.lower()]
    return "security" in operation


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
        response = caller.request(method, path.format(**ids), **sent(options, ids))
        assert response.status_code == 401, f"{method} {path}"
    assert everything(db) == before
