"""The rows that every application is asked for: put in by the thousand, and what runs have added taken out again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import DateTime, Engine, column, create_engine, delete, insert, make_url, table, text, update

USERS = 10
"""Who have posts."""
MARKS = 1000
"""One post in so many has the same mark, which is what is searched for."""
AT_ONCE = 10_000
CREDENTIALS = {"email": "user-1@example.com", "password": "correct horse battery"}
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
SETTLE = {
    "postgresql": ["VACUUM ANALYZE"],
    "mysql": ["ANALYZE TABLE users, posts, refresh_tokens, one_time_tokens"],
    "sqlite": [],
}
TIMES = ("created_at", "updated_at")
USER_COLUMNS = ("email", "name", "password_hash", "role", "is_active", "token_version", *TIMES)
TOKEN_COLUMNS = ("user_id", "family", "version", "token_hash", "started_at", "created_at", "expires_at")
MAILED_COLUMNS = ("user_id", "purpose", "token_hash", "email", "version", "created_at", "expires_at")
POST_COLUMNS = ("title", "body", "slug", "status", "author_id", *TIMES)
WORDS = "words " * 60

Row = tuple[Any, ...]


def users() -> Iterator[Row]:
    # The parameters of the bakes, so that a login is the same work for everybody.
    hasher = PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))
    hashed = hasher.hash(CREDENTIALS["password"])
    for number in range(1, USERS + 1):
        yield f"user-{number}@example.com", f"User {number}", hashed, "user", True, 0, BEGIN, BEGIN


def posts(first: int, last: int) -> Iterator[Row]:
    """Yield published posts, each a second younger than the one before, of some 400 characters."""
    for number in range(first, last + 1):
        body = f"{WORDS}mark{number % MARKS:03}"
        moment = BEGIN + timedelta(seconds=number)
        yield f"Post {number}", body, f"seed-{number}", "published", number % USERS + 1, moment, moment


class Data:
    """The users and posts in a database that is migrated."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.server = parsed.get_backend_name()
        self.url = url
        self.engine: Engine = create_engine(parsed.set(drivername=DRIVERS[self.server]))
        self.posts = 0

    def grow(self, total: int) -> None:
        """Have that many posts, and users if there are none."""
        if not self.posts:
            self.add("users", USER_COLUMNS, users())
        self.add("posts", POST_COLUMNS, posts(self.posts + 1, total))
        self.posts = total
        self.settle()

    def add_idle_users(self, total: int) -> None:
        """Add sessions and users without posts: a database reads the whole of a table that is next to empty."""
        idle = ((f"{n}@example.org", "Nobody", "-", "user", True, 0, BEGIN, BEGIN) for n in range(total))
        self.add("users", USER_COLUMNS, idle)
        tokens = ((n % USERS + 1, f"{n:032}", 0, f"{n:064}", BEGIN, BEGIN, BEGIN) for n in range(total))
        self.add("refresh_tokens", TOKEN_COLUMNS, tokens)
        mailed = ((n % USERS + 1, "password_reset", f"{n:064}", "-", 0, BEGIN, BEGIN) for n in range(total))
        self.add("one_time_tokens", MAILED_COLUMNS, mailed)
        self.settle()

    def make_admin(self, email: str) -> None:
        users = table("users", column("email"), column("role"))
        with self.engine.begin() as connection:
            connection.execute(update(users).where(users.c.email == email).values(role="admin"))

    def add(self, name: str, columns: tuple[str, ...], rows: Iterator[Row]) -> None:
        if self.server == "postgresql":
            self.copy(name, columns, rows)
            return
        # What SQLite and PyMySQL make of many rows is one statement or one transaction.
        target = table(name, *(column(one, DateTime() if one.endswith("_at") else None) for one in columns))
        with self.engine.begin() as connection:
            while some := [dict(zip(columns, row, strict=True)) for row in islice(rows, AT_ONCE)]:
                connection.execute(insert(target), some)

    def copy(self, name: str, columns: tuple[str, ...], rows: Iterator[Row]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), names)
        with psycopg.connect(self.url) as connection, connection.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def restore(self) -> None:
        """Take out what runs have added, so that the next one finds what the one before it has found."""
        with self.engine.begin() as connection:
            added = table("posts", column("slug"))
            connection.execute(delete(added).where(added.c.slug.not_like("seed-%")))
            connection.execute(delete(table("refresh_tokens")))
        self.settle()

    def settle(self) -> None:
        """Do at once what a server does by itself some time after so many writes."""
        for statement in SETTLE[self.server]:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(statement))

    def close(self) -> None:
        self.engine.dispose()
