"""What the servers have in common: how each is named, asked for and spoken to."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql

PATIENCE = 5


class NotAnswering(Exception):
    """The server at a URL can't be talked to (yet)."""


def ask_postgresql(url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=PATIENCE).close()
    except psycopg.Error as error:
        raise NotAnswering(str(error).strip()) from error


def ask_mysql(url: str) -> None:
    parts = urlsplit(url)
    try:
        pymysql.connect(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 3306,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            connect_timeout=PATIENCE,
        ).close()
    except (pymysql.Error, OSError) as error:
        raise NotAnswering(str(error)) from error


def ask_redis(url: str) -> None:
    parts = urlsplit(url)
    try:
        with socket.create_connection(
            (parts.hostname or "127.0.0.1", parts.port or 6379), timeout=PATIENCE
        ) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
    except OSError as error:
        raise NotAnswering(str(error)) from error
    # A server that asks for a password or is still loading answers too, but not with PONG.
    if not answer.startswith((b"+PONG", b"-NOAUTH")):
        raise NotAnswering(f"answered {answer!r} to PING")


@dataclass(frozen=True)
class Kind:
    """One kind of server."""

    name: str
    label: str
    schemes: tuple[str, ...]
    ask: Callable[[str], None]
    """Talk to the server at a URL; raises `NotAnswering`."""
    packages: tuple[str, ...]
    """What apt installs to have its binaries."""

    @property
    def variable(self) -> str:
        return f"TEST_{self.name.upper()}_URL"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("postgresql", "PostgreSQL", ("postgresql", "postgres"), ask_postgresql, ("postgresql",)),
        Kind("mysql", "MySQL or MariaDB", ("mysql", "mariadb"), ask_mysql, ("mariadb-server",)),
        Kind("redis", "Redis", ("redis",), ask_redis, ("redis-server",)),
    )
}
NAMES = tuple(KINDS)
VARIABLES = {name: kind.variable for name, kind in KINDS.items()}
