"""Databases of the variants on the servers, named so that none of a developer's own can be meant."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql
from psycopg import sql

from tests.servers import VARIABLES
from tests.variants import Variant


@contextmanager
def database(variant: Variant, purpose: str, folder: Path, *, create: bool) -> Iterator[str]:
    """Yield the URL of a database that is new, or not there yet unless `create`; drop it in the end."""
    name = f"{variant.database}_{purpose}_test" if purpose else f"{variant.database}_test"
    if variant.engine == "sqlite":
        path = folder / f"{name}.db"
        path.unlink(missing_ok=True)
        yield f"sqlite:///{path}"
        path.unlink(missing_ok=True)
        return
    server = os.environ[VARIABLES[variant.engine]]
    drop(server, name)
    if create:
        execute(server, "CREATE DATABASE", name)
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        drop(server, name)


def drop(server: str, name: str) -> None:
    execute(server, "DROP DATABASE IF EXISTS", name)


def execute(server: str, statement: str, name: str) -> None:
    if urlsplit(server).scheme.startswith("postgres"):
        on_postgresql(server, statement, name)
    else:
        on_mysql(server, statement, name)


def on_postgresql(server: str, statement: str, name: str) -> None:
    # FORCE ends the connections of a program that has not noticed yet that it is over.
    suffix = " WITH (FORCE)" if statement.startswith("DROP") else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(f"{statement} {{}}{suffix}").format(sql.Identifier(name)))


def on_mysql(server: str, statement: str, name: str) -> None:
    parts = urlsplit(server)
    connection = pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"{statement} `{name}`")
