"""The three servers out of the binaries of this machine."""

import contextlib
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.servers.keeper import Recipe, serving
from tests.servers.kinds import Kind

USER = "tester"
# Debian keeps PostgreSQL's programs off the PATH, so do Red Hat's packages and Homebrew's versioned ones; a user who
# isn't root may lack /usr/sbin.
FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/sbin",
    "/usr/libexec",
    "/usr/local/sbin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/opt/homebrew/opt/mariadb*/bin",
    "/opt/homebrew/opt/mysql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/usr/local/opt/mariadb*/bin",
    "/usr/local/opt/mysql*/bin",
)


def version_of(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


def find(*names: str) -> str | None:
    """Return the path of the first program found, the newest version first."""
    for name in names:
        if on_path := shutil.which(name):
            return on_path
        for pattern in FOLDERS:
            for folder in sorted(Path("/").glob(pattern.lstrip("/")), key=version_of, reverse=True):
                if program := shutil.which(name, path=str(folder)):
                    return program
    return None


def postgresql(folder: Path, port: int) -> Recipe:
    bin_folder = Path(program_of("postgresql")).parent
    data, password = folder / "data", secrets.token_hex(8)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 200,
        "shared_buffers": "64MB",
        # The data is thrown away: nothing needs to survive a crash.
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": 0,
    }
    initialize = [
        str(bin_folder / "initdb"),
        "--pgdata",
        str(data),
        "--username",
        USER,
        "--pwfile",
        str(folder / "password"),
    ]
    # The locale decides how text beyond ASCII is compared and lower-cased.
    locale = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    return Recipe(
        url=f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres",
        prepare=[*initialize, "--auth=scram-sha-256", "--encoding=UTF8", "--locale", locale, "--no-sync"],
        serve=[
            str(bin_folder / "postgres"),
            "-D",
            str(data),
            *(f"--{name}={value}" for name, value in settings.items()),
        ],
        files={"password": password},
        stop="INT",
    )


def mysql(folder: Path, port: int) -> Recipe:
    server = program_of("mysql")
    data, password = folder / "data", secrets.token_hex(8)
    # "loose" options are ignored by the version or the fork that lacks them.
    storage = [
        "--innodb-flush-method=nosync",
        "--innodb-doublewrite=OFF",
        "--innodb-buffer-pool-size=64M",
        "--loose-innodb-log-file-size=16M",
        "--loose-innodb-redo-log-capacity=32M",
    ]
    if is_mariadb(server):
        install = find("mariadb-install-db", "mysql_install_db") or "mariadb-install-db"
        prepare = [install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
    else:
        prepare = [server, "--no-defaults", "--initialize-insecure"]
    return Recipe(
        url=f"mysql://{USER}:{password}@127.0.0.1:{port}/mysql",
        prepare=[*prepare, f"--datadir={data}", *storage],
        serve=[
            server,
            "--no-defaults",
            f"--datadir={data}",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--init-file={folder / 'users.sql'}",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--max-connections=200",
            "--innodb-flush-log-at-trx-commit=0",
            "--performance-schema=OFF",
            "--loose-mysqlx=OFF",
            *storage,
        ],
        files={
            "users.sql": f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{password}';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'127.0.0.1';\n"
        },
    )


def is_mariadb(server: str) -> bool:
    answer = subprocess.run([server, "--no-defaults", "--version"], capture_output=True, text=True, check=True)
    return "MariaDB" in answer.stdout


def redis(folder: Path, port: int) -> Recipe:
    return Recipe(
        url=f"redis://127.0.0.1:{port}/0",
        serve=[
            *(program_of("redis"), "--bind", "127.0.0.1", "--port", str(port)),
            *("--save", "", "--appendonly", "no", "--dir", str(folder)),
        ],
    )


PROGRAMS = {
    "postgresql": ("postgres",),
    "mysql": ("mariadbd", "mysqld"),
    "redis": ("redis-server", "valkey-server"),
}
USERS = {"postgresql": "postgres", "mysql": "mysql", "redis": "redis"}
PLANS = {"postgresql": postgresql, "mysql": mysql, "redis": redis}


def program_of(name: str) -> str:
    program = find(*PROGRAMS[name])
    if program is None:
        raise FileNotFoundError(f"none of {PROGRAMS[name]} is on this machine")
    return program


def installed(kind: Kind) -> bool:
    return find(*PROGRAMS[kind.name]) is not None


@contextlib.contextmanager
def run(kind: Kind) -> Iterator[str]:
    """Run the server and yield its URL; raises `ServerFailed`."""
    with serving(PLANS[kind.name], kind.ask, USERS[kind.name]) as url:
        yield url
