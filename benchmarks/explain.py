"""Run in the folder of a bake: `python explain.py REQUESTS`, JSON in and out.

Makes each request, and asks the database how it does what the request had it do.
"""

import json
import sys
from typing import Any

from app.database import engine  # type: ignore[import-not-found]  # that of the bake in whose folder this runs
from app.main import app  # type: ignore[import-not-found]  # as above
from sqlalchemy import event
from starlette.testclient import TestClient

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mysql": "EXPLAIN "}
READ_OR_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
noted: list[tuple[str, Any]] = []


def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> None:  # noqa: FBT001 - SQLAlchemy calls it so
    if statement.lstrip().startswith(READ_OR_WRITE):
        noted.append((statement, parameters[0] if executemany else parameters))


def main() -> None:
    asked = json.loads(sys.argv[1])
    event.listen(engine, "before_cursor_execute", note)
    with TestClient(app) as client:
        login = client.post("/auth/login", json=asked["credentials"])
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        noted.clear()
        told = []
        for method, path, body in asked["requests"]:
            status = client.request(method, path, json=body, headers=headers).status_code
            told.append({"request": f"{method} {path}", "status": status, "statements": explained()})
    print(json.dumps(told))


def explained() -> list[dict[str, Any]]:
    statements, noted[:] = list(noted), []
    with engine.connect() as connection:
        plans = [
            [
                {name: str(value) for name, value in row.items()}
                for row in connection.exec_driver_sql(EXPLAIN[engine.name] + text, values).mappings()
            ]
            for text, values in statements
        ]
    noted.clear()
    return [{"statement": text, "plan": plan} for (text, _), plan in zip(statements, plans, strict=True)]


main()
