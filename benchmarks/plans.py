"""How each engine does what a request has it do: by an index, or by reading a table from end to end."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.applications import LABELS, one_engine
from benchmarks.data import CREDENTIALS
from benchmarks.plan import BenchFailed, Plan
from benchmarks.processes import Application
from benchmarks.table import Result
from tests.commands import run

ENGINES = ("postgresql", "mysql", "sqlite")
POSTS = 100_000
USERS = 10_000
TABLES = ("users", "posts", "refresh_tokens", "one_time_tokens")
EXPLAIN = Path(__file__).with_name("explain.py")
NEWCOMER = {"email": "new@example.com", "name": "New", "password": "Password2"}
BODY = {"title": "New", "body": "Some words", "slug": "new"}
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/users/me", None),
    ("PATCH", "/users/me", {"name": "Name"}),
    ("GET", "/users/2", None),
    ("GET", "/users/2/posts", None),
    ("GET", "/users/2/posts?offset=5000", None),
    *(("GET", f"/posts?sort={sort}", None) for sort in ("created_at", "-created_at", "-updated_at", "title")),
    ("GET", "/posts?offset=10000", None),
    ("GET", "/posts?status=draft", None),
    ("GET", "/posts?author_id=2&status=published", None),
    ("GET", "/posts?q=words", None),
    ("GET", "/posts?q=mark007&sort=title", None),
    ("GET", "/posts?q=words&author_id=2", None),
    ("POST", "/posts", BODY),
    ("GET", "/posts/1", None),
    ("PATCH", "/posts/10", {"title": "Other"}),
    ("DELETE", "/posts/20", None),
    ("POST", "/auth/login", CREDENTIALS),
    ("POST", "/auth/refresh", "the refresh token of the last login"),
    ("POST", "/auth/logout", {"refresh_token": "unknown"}),
    ("GET", "/auth/sessions", None),
    ("POST", "/auth/password/forgot", {"email": CREDENTIALS["email"]}),
    ("POST", "/auth/email/verify/resend", None),
    ("POST", "/auth/register", NEWCOMER),
    ("PUT", "/users/me/password", {"current_password": CREDENTIALS["password"], "new_password": "Password2"}),
]
ADMIN = "user-10@example.com"
REQUESTS_OF_ADMIN: list[tuple[str, str, Any]] = [
    ("GET", "/users", None),
    ("GET", "/users?offset=10000", None),
    ("GET", "/users/2", None),
    ("POST", "/users", {**NEWCOMER, "email": "another@example.com"}),
    ("PATCH", "/users/3", {"name": "Name"}),
    ("DELETE", "/users/4", None),
    ("GET", "/posts", None),
    ("GET", "/posts?status=draft", None),
    ("GET", "/posts?q=words", None),
    ("PATCH", "/posts/30", {"status": "draft"}),
]


Rows = Sequence[Mapping[str, str]]


def scanned(engine: str, plan: Rows) -> set[str]:
    """Return the tables that a plan reads from end to end, themselves or one of their indexes, or sorts to the end."""
    find = {"postgresql": in_postgresql, "mysql": in_mysql, "sqlite": in_sqlite}[engine]
    return set(TABLES) & set(find(plan))


def in_postgresql(plan: Rows) -> Iterator[str]:
    lines = [row["QUERY PLAN"] for row in plan]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        found = re.search(r"(Seq|Index|Index Only) Scan\b.* on (\w+)", line)
        if found and (found[1] == "Seq" or "Index Cond" not in after):
            yield found[2]


def in_mysql(plan: Rows) -> Iterator[str]:
    for row in plan:
        if row["select_type"] != "INSERT" and (row["type"] in {"ALL", "index"} or "filesort" in row["Extra"]):
            yield row["table"]


def in_sqlite(plan: Rows) -> Iterator[str]:
    for row in plan:
        if row["detail"].startswith("SCAN "):
            yield row["detail"].split(" ")[1]


def explained(one: Application) -> str:
    asked = json.dumps({CREDENTIALS["email"]: REQUESTS, ADMIN: REQUESTS_OF_ADMIN})
    return run(
        one.folder, sys.executable, str(EXPLAIN), asked, extra={**one.environment, "PYTHONPATH": str(one.folder)}
    )


def measure(plan: Plan) -> Result:
    rows: list[list[str | int]] = []
    runs: dict[str, Any] = {}
    for engine in ENGINES:
        with one_engine(engine, plan.folder) as (application, data):
            data.grow(POSTS)
            data.add_idle_users(USERS)
            data.make_admin(ADMIN)
            told = json.loads(explained(application).splitlines()[-1])
        statements = [one for request in told for one in request["statements"]]
        full = {
            f"{name} ({request['request']})"
            for request in told
            for one in request["statements"]
            for name in scanned(engine, one["plan"])
        }
        refused = [request for request in told if request["status"] >= 400]  # noqa: PLR2004 - where refusals begin
        if refused:
            raise BenchFailed(f"{LABELS[engine]}: {refused[0]['request']} was answered with {refused[0]['status']}")
        rows.append([LABELS[engine], len(told), len(statements), ", ".join(sorted(full)) or "none"])
        runs[LABELS[engine]] = told
        print(f"  {LABELS[engine]:28} {len(statements)} statements, read from end to end: {rows[-1][-1]}", flush=True)
    return Result(
        "Query plans",
        ["application", "requests", "statements", "tables read from end to end"],
        rows,
        notes=[
            f"{POSTS:,} posts, {USERS:,} users. Every plan is in build/bench.json.",
            "A list of posts scans an index in its order, and stops at its limit.",
        ],
        runs=runs,
    )
