"""PgBouncer in transaction mode, in front of a PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.servers import apt, binaries
from tests.servers.keeper import Recipe, serving
from tests.servers.kinds import ask_postgresql

PROGRAM = "pgbouncer"


def available() -> bool:
    """Say whether PgBouncer is on this machine, after installing it with apt where that is possible."""
    if binaries.find(PROGRAM) is None and apt.usable():
        apt.install((PROGRAM,))
    return binaries.find(PROGRAM) is not None


def plan(url: str, folder: Path, port: int) -> Recipe:
    server = urlsplit(url)
    user, password = unquote(server.username or ""), unquote(server.password or "")
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": folder / "users",
        "pool_mode": "transaction",
        # Fewer than the application has, so that they share.
        "default_pool_size": 3,
    }
    lines = ["[databases]", f"* = host={server.hostname} port={server.port or 5432}", "[pgbouncer]"]
    lines += [f"{name} = {value}" for name, value in settings.items()]
    return Recipe(
        url=server._replace(netloc=f"{server.username}:{server.password}@127.0.0.1:{port}").geturl(),
        serve=[str(binaries.find(PROGRAM)), str(folder / "settings.ini")],
        files={"settings.ini": "\n".join(lines), "users": f'"{user}" "{password}"\n'},
    )


@contextmanager
def pooling(url: str) -> Iterator[str]:
    """Run PgBouncer before the server that the URL names, and yield the URL by which it is reached."""
    with serving(partial(plan, url), ask_postgresql, "postgres") as pooled:
        yield pooled
