"""`GET /tasks/{task_id}`: how far it is, for whoever started it."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from app.models import User
from app.models.post_import import ImportStatus, PostImport, PostImportProblem
from tests.client import Client

NOT_FOUND = (404, {"detail": "Task not found"})


def add_import(db: Session, author: User, **values: Any) -> PostImport:
    added = PostImport(task_id=uuid4().hex, author_id=author.id, **{"total": 3, "document": b"-"} | values)
    db.add(added)
    db.flush()
    return added


class TestReadTask:
    @pytest.mark.parametrize("status", list(ImportStatus))
    def test_it_tells_how_far_it_is(self, client: Client, db: Session, user: User, status: ImportStatus) -> None:
        task = add_import(db, user, status=status, processed=2)
        response = client.get(f"/tasks/{task.task_id}")
        assert response.status_code == 200
        assert response.json() == {
            "task_id": task.task_id,
            "status": status.value,
            "processed": 2,
            "total": 3,
            "errors": [],
        }

    def test_one_that_has_not_begun_is_queued(self, client: Client, db: Session, user: User) -> None:
        body = client.get(f"/tasks/{add_import(db, user).task_id}").json()
        assert (body["status"], body["processed"]) == ("queued", 0)

    def test_errors_are_in_the_order_of_the_lines(self, client: Client, db: Session, user: User) -> None:
        task = add_import(db, user)
        for line in (3, 10, 2):
            db.add(PostImportProblem(import_id=task.id, line=line, reason=f"Reason {line}"))
            db.flush()
        assert client.get(f"/tasks/{task.task_id}").json()["errors"] == [
            {"line": line, "reason": f"Reason {line}"} for line in (2, 3, 10)
        ]

    @pytest.mark.parametrize(
        ("query", "lines"), [("limit=2", [2, 3]), ("limit=2&offset=1", [3, 4]), ("offset=2", [4]), ("limit=0", [])]
    )
    def test_they_are_shown_in_parts(
        self, client: Client, db: Session, user: User, query: str, lines: list[int]
    ) -> None:
        task = add_import(db, user)
        db.add_all(PostImportProblem(import_id=task.id, line=line, reason="Reason") for line in (2, 3, 4))
        shown = client.get(f"/tasks/{task.task_id}?{query}").json()["errors"]
        assert [error["line"] for error in shown] == lines

    @pytest.mark.parametrize("query", ["limit=1001", "limit=-1", "limit=x", "offset=-1", "offset=50001"])
    def test_no_part_is_larger_than_an_answer_may_be(self, client: Client, db: Session, user: User, query: str) -> None:
        assert client.get(f"/tasks/{add_import(db, user).task_id}?{query}").status_code == 422

    def test_each_has_its_own_errors(self, client: Client, db: Session, user: User) -> None:
        mine, other = add_import(db, user), add_import(db, user)
        db.add(PostImportProblem(import_id=other.id, line=2, reason="Reason"))
        assert client.get(f"/tasks/{mine.task_id}").json()["errors"] == []

    def test_without_a_token_it_is_refused(self, anon_client: Client, db: Session, other_user: User) -> None:
        response = anon_client.get(f"/tasks/{add_import(db, other_user).task_id}")
        assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
        assert response.headers["WWW-Authenticate"] == "Bearer"

    def test_an_unknown_one_is_not_found(self, client: Client, db: Session, user: User) -> None:
        add_import(db, user)
        response = client.get(f"/tasks/{uuid4().hex}")
        assert (response.status_code, response.json()) == NOT_FOUND

    def test_somebody_elses_is_not_found(self, client: Client, db: Session, other_user: User) -> None:
        response = client.get(f"/tasks/{add_import(db, other_user).task_id}")
        assert (response.status_code, response.json()) == NOT_FOUND

    def test_an_admin_does_not_see_it_either(self, admin_client: Client, db: Session, other_user: User) -> None:
        response = admin_client.get(f"/tasks/{add_import(db, other_user).task_id}")
        assert (response.status_code, response.json()) == NOT_FOUND

    @pytest.mark.parametrize("text", ["1", "x" * 32, "A" * 32, "a" * 31, "a" * 33, "a" * 31 + "%00", "%ff"])
    def test_what_is_no_id_is_refused(self, client: Client, text: str) -> None:
        response = client.get(f"/tasks/{text}")
        assert response.status_code == 422
        assert [item["loc"] for item in response.json()["detail"]] == [["path", "task_id"]]
