"""The machine, and the versions that numbers depend on."""

import os
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

PACKAGES = ("cookiecutter", "fastapi", "starlette", "uvicorn", "pydantic", "sqlalchemy", "psycopg")
DRIVERS = {"TEST_POSTGRESQL_URL": "postgresql+psycopg", "TEST_MYSQL_URL": "mysql+pymysql"}
LABELS = {"TEST_POSTGRESQL_URL": "PostgreSQL", "TEST_MYSQL_URL": "MySQL or MariaDB"}


def described(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known of the machine before anything is measured, and of the servers that the variables name."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        # Others at work on the machine are the likeliest reason for odd numbers.
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
        "packages": {name: version(name) for name in PACKAGES},
        "servers": {LABELS[name]: server_version(name, url) for name, url in variables.items() if name in DRIVERS},
    }


def processor() -> str:
    """Return the name of the processor, which only Linux tells in a file."""
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def memory_gib() -> float:
    """Return the memory of the machine; 0 where the system does not tell."""
    if not hasattr(os, "sysconf"):
        return 0.0
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def server_version(name: str, url: str) -> str:
    statement = "SHOW server_version" if name == "TEST_POSTGRESQL_URL" else "SELECT version()"
    engine = create_engine(f"{DRIVERS[name]}{url[url.index('://') :]}")
    with engine.connect() as connection:
        said = str(connection.scalar(text(statement)))
    engine.dispose()
    return said.split(maxsplit=1)[0]


def sentence(machine: Mapping[str, Any]) -> str:
    """Return the machine in a line, for people."""
    servers = [f"{name} {number}" for name, number in machine["servers"].items()]
    packages = [f"{name} {machine['packages'][name]}" for name in ("fastapi", "uvicorn", "sqlalchemy")]
    return ", ".join(
        [
            f"{machine['cores']} cores of {machine['processor']}",
            f"{machine['memory_gib']:.0f} GiB",
            machine["system"],
            f"Python {machine['python']}",
            *servers,
            *packages,
            f"load before {machine['load_before']}",
            machine["when"][:10],
        ]
    )
