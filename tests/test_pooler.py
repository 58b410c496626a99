"""A bake on PostgreSQL works behind PgBouncer in transaction mode, where connections share those of the server."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import stages
from tests.client import use_the_api
from tests.commands import environment, run
from tests.databases import database
from tests.production import serving
from tests.servers import VARIABLES, provide
from tests.servers.pooler import available, pooling
from tests.variants import select

CLIENTS, REQUESTS = 8, 40


def statuses(address: str) -> list[int]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    found = []
    for _ in range(REQUESTS):
        connection.request("GET", "/posts")
        answer = connection.getresponse()
        answer.read()
        found.append(answer.status)
    connection.close()
    return found


def test_it_serves_many_clients_through_pgbouncer(cookies_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not available():
        pytest.fail("PgBouncer is not on this machine (on Debian and Ubuntu: apt-get install pgbouncer)")
    (variant,) = select("postgresql")
    project = Path(cookies_session.bake(extra_context=dict(variant.options)).project_path)
    stages.install(project)
    with provide(["postgresql"]) as variables:
        monkeypatch.setenv(VARIABLES["postgresql"], variables[VARIABLES["postgresql"]])
        with database(variant, "pooled", project, create=True) as url, pooling(url) as pooled:
            extra = {"DATABASE_URL": pooled, "ENVIRONMENT": "production"}
            run(project, "uv", "run", "--locked", "python", "-m", "app.cli", "migrate", extra=extra)
            with serving(project, environment(extra)) as address, ThreadPoolExecutor(CLIENTS) as clients:
                use_the_api(address, cached=False, tasks=False)
                answers = [status for found in clients.map(statuses, [address] * CLIENTS) for status in found]
    assert answers == [200] * CLIENTS * REQUESTS
