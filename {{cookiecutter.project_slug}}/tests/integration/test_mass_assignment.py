"""What a body holds beyond what its route takes is not obeyed: every column of every table is sent to every route."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Column, select
from sqlalchemy.orm import Session

from app.database import Base, UTCDateTime
from app.models import User
from tests.client import Client
from tests.integration.test_access import ACCESS, EVERYBODY, filled, without_names

TABLES = Base.metadata.sorted_tables
# The largest that every column of numbers holds.
NUMBER = 2**31 - 1
# Names that are no columns here, and elsewhere what does harm.
ALIASES = {"is_admin": True, "is_superuser": True, "password": "Password3", "user": {"role": "admin"}}
RANDOM = {"family", "password_hash", "task_id", "token_hash"}
BODIES = [
    pytest.param(method, path, options["json"], who, status, id=f"{method} {path} {options['json']} by {who}")
    for method, path, options, statuses in ACCESS
    if isinstance(options.get("json"), dict)
    for who, status in zip(EVERYBODY, statuses, strict=True)
    if status < 300
]


@pytest.fixture
def extras(admin: User) -> dict[str, Any]:
    """What an attacker would have written: a value for each column, which no route writes there by itself."""

    def wanted(column: Column[Any]) -> Any:
        kind = column.type.python_type
        if column.foreign_keys:
            return admin.id
        if issubclass(kind, StrEnum):
            return list(kind)[-1]
        if isinstance(column.type, UTCDateTime):
            return "2001-02-03T04:05:06Z"
        return {bool: False, int: NUMBER}.get(kind, "f" * 32)

    return {column.name: wanted(column) for table in TABLES for column in table.columns} | ALIASES


def fields_of(app: FastAPI, method: str, path: str) -> set[str]:
    """Return what the schema says that the body of a route has."""
    schema = app.openapi()
    operation = {without_names(one): methods for one, methods in schema["paths"].items()}[without_names(path)][
        method.lower()
    ]
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return set(schema["components"]["schemas"][name]["properties"])


@contextmanager
def undone(db: Session) -> Iterator[None]:
    with db.begin_nested() as savepoint:
        db.connection()  # the savepoint is only made when it is first needed
        yield
        savepoint.rollback()


def is_given(column: Column[Any]) -> bool:
    """Return whether the column holds what is another each time a row is written."""
    return column.name in RANDOM or column.primary_key or bool(column.foreign_keys)


def referenced(column: Column[Any]) -> Column[Any]:
    (key,) = column.foreign_keys
    return key.column


class Rows:
    """All rows of all tables, to compare: what differs whenever a request is sent again is told from what was sent."""

    def __init__(self, db: Session, extras: dict[str, Any]) -> None:
        self.db = db
        self.extras = extras
        self.start = datetime.now(UTC)
        self.known = {one for row in self.values() for one in row if is_given(one[0])}

    def values(self) -> Iterator[list[tuple[Column[Any], Any]]]:
        for table in TABLES:
            for row in self.db.execute(select(table).order_by(*table.primary_key)):
                yield list(zip(table.columns, row, strict=True))

    def read(self) -> list[dict[str, Any]]:
        return [{column.name: self.comparable(column, value) for column, value in row} for row in self.values()]

    def comparable(self, column: Column[Any], value: Any) -> Any:
        if column.foreign_keys:
            # Another table's new id may be the number that was sent, by chance; one that was sent was there before.
            return value if (referenced(column), value) in self.known else "new"
        if is_given(column):
            return value if (column, value) in self.known or value == self.extras[column.name] else "new"
        if isinstance(value, datetime):
            return round((value - self.start) / timedelta(hours=1))
        return value


@pytest.mark.parametrize(("method", "path", "json", "who", "status"), BODIES)
def test_what_a_route_does_not_take_changes_nothing(
    caller: Client,
    app: FastAPI,
    db: Session,
    ids: dict[str, Any],
    extras: dict[str, Any],
    method: str,
    path: str,
    json: dict[str, Any],
    status: int,
) -> None:
    body, taken = filled(json, ids), fields_of(app, method, path)
    unknown = {name: value for name, value in extras.items() if name not in taken}
    assert {"id", "token_version", "password_hash", "author_id", "created_at", "deleted_at"} <= extras.keys()
    db.flush()
    rows = Rows(db, extras)
    left = []
    for sent in (body, unknown | body):
        with undone(db):
            assert caller.request(method, path.format_map(ids), json=sent).status_code == status
            left.append(rows.read())
    without, with_extras = left
    assert with_extras == without


def test_every_route_that_takes_json_is_sent_them(app: FastAPI) -> None:
    taking = {
        (method.upper(), without_names(path))
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert taking <= {(method, without_names(path)) for method, path, options, _ in ACCESS if "json" in options}
