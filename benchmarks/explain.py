"""Run in the folder of a bake: `python explain.py REQUESTS`, JSON in and out, the requests by whose they are.

Makes each request, and asks the database how it does what the request had it do.
"""

import json
import sys
from typing import Any

from app.auth.accounts import find_by_email  # type: ignore[import-not-found]  # as above
from app.auth.tokens import issue_access_token  # type: ignore[import-not-found]  # of the bake in whose folder this runs
from app.database import SessionLocal, engine  # type: ignore[import-not-found]  # as above
from app.main import app  # type: ignore[import-not-found]  # as above
from app.settings import get_settings  # type: ignore[import-not-found]  # as above
from sqlalchemy import event
from starlette.testclient import TestClient

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mysql": "EXPLAIN "}
READ_OR_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
noted: list[tuple[str, Any]] = []


def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> None:  # noqa: FBT001 - SQLAlchemy calls it so
    if statement.lstrip().startswith(READ_OR_WRITE):
        noted.append((statement, parameters[0] if executemany else parameters))


def main() -> None:
    asked: dict[str, list[Any]] = json.loads(sys.argv[1])
    event.listen(engine, "before_cursor_execute", note)
    told, refresh_token = [], ""
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for email, requests in asked.items():
            headers = {"Authorization": f"Bearer {token_of(email)}"}
            noted.clear()
            for method, path, body in requests:
                renews = body == "the refresh token of the last login"
                sent = {"refresh_token": refresh_token} if renews else body
                response = client.request(method, path, json=sent, headers=headers)
                if path == "/auth/login":
                    refresh_token = response.json()["refresh_token"]
                request = f"{method} {path}"
                told.append({"request": request, "status": response.status_code, "statements": explained()})
    print(json.dumps(told))


def token_of(email: str) -> str:
    with SessionLocal() as db:
        token: str = issue_access_token(find_by_email(db, email), get_settings())
        return token


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
