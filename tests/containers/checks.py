"""What is done to the containers of a bake; each check returns a word for the table, or fails with what was wrong."""

import http.client
import json
import threading
import time
from collections.abc import Callable

from tests.client import ACCOUNT, use_the_api
from tests.commands import CommandFailed
from tests.containers.engine import Containers, docker
from tests.containers.load import HOST, Load, connect
from tests.variants import Variant

PATIENCE = 60
WRITES = "open('/srv/app/app/written', 'w')"
# Under load before the first container goes, and after the last one has.
BEFORE, AFTER = 2, 3


def until(true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> float:
    """Wait for it, and return how long that took."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < seconds, f"{what}: not after {seconds:.0f} s"
        time.sleep(0.2)
    return time.monotonic() - started


def asked(address: str, path: str) -> tuple[int, str]:
    """Return status and body, or 0 where nobody answers."""
    connection = connect(address)
    try:
        connection.request("GET", path, headers=HOST)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def is_shut(containers: Containers) -> str:
    """Nobody is root, and nothing can be written where the program is."""
    for service in ("web", "migrate"):
        (found,) = containers.inspected(service)
        host = found["HostConfig"]
        assert found["Config"]["User"] == "10001:10001", service
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert not host["Privileged"], service
    said = containers.compose("exec", "-T", "web", "python", "-c", WRITES, expected=1)
    assert "Read-only file system" in said, said
    assert containers.compose("exec", "-T", "web", "sh", "-c", "command -v uv gcc cc || echo none").strip() == "none"
    return "yes"


def becomes_healthy(containers: Containers) -> str:
    """Docker itself says so, by the image's own check; and the tables are up to date, as pods ask that wait for it."""
    until(lambda: containers.inspected("web")[0]["State"]["Health"]["Status"] == "healthy", "web is healthy")
    containers.compose("exec", "-T", "web", "alembic", "current", "--check-heads")
    (migrated,) = containers.inspected("migrate")
    assert migrated["State"]["ExitCode"] == 0
    return "yes"


def is_used(containers: Containers, variant: Variant) -> str:
    address = f"http://127.0.0.1:{containers.ports['WEB_PORT']}"
    use_the_api(address, cached=variant.options["use_redis"] is True, tasks=variant.options["use_celery"] is True)
    return "yes"


def mails(containers: Containers) -> str:
    """The newcomer of `is_used` was greeted: the message is in mailpit."""
    address = f"http://127.0.0.1:{containers.ports['MAILPIT_PORT']}"

    def is_greeted() -> bool:
        status, body = asked(address, "/api/v1/messages")
        messages = json.loads(body)["messages"] if status == http.client.OK else []
        return any(
            one["Subject"].startswith("Welcome to ") and one["To"][0]["Address"] == ACCOUNT["email"] for one in messages
        )

    until(is_greeted, "the greeting is in mailpit")
    return "yes"


def loses_its_database(containers: Containers) -> str:
    """Killed, the database is named by /health/ready, while /health/live answers; it comes back by itself."""
    address = f"http://127.0.0.1:{containers.ports['WEB_PORT']}"
    containers.compose("kill", "database")
    until(lambda: asked(address, "/health/ready")[0] == http.client.SERVICE_UNAVAILABLE, "ready says 503")
    assert "database" in asked(address, "/health/ready")[1]
    assert asked(address, "/health/live")[0] == http.client.OK
    containers.compose("start", "database")
    seconds = until(lambda: asked(address, "/health/ready")[0] == http.client.OK, "ready again")
    return f"{seconds:.1f} s"


def is_ready(container: str) -> bool:
    try:
        docker("exec", container, "python", "-m", "app.observability.healthcheck", "ready")
    except CommandFailed:
        return False
    return True


def rolls(containers: Containers) -> str:
    """Two containers behind the proxy, of which one is stopped and started, and then the other: no request fails."""
    address = f"https://localhost:{containers.ports['HTTPS_PORT']}"
    until(lambda: asked(address, "/health/ready")[0] == http.client.OK, "the proxy serves")
    assert asked(address, "/metrics")[0] == http.client.NOT_FOUND
    with Load(address) as load:
        time.sleep(BEFORE)
        for found in containers.inspected("web"):
            docker("restart", "--time", "40", found["Id"])
            until(lambda: is_ready(found["Id"]), "the container that was restarted is ready")  # noqa: B023 - asked at once
            time.sleep(AFTER)
    assert not load.failures, f"{len(load.failures)} of {load.answered} failed: {load.failures[:5]}"
    return f"0 of {load.answered}"


def restarts_alone(containers: Containers) -> str:
    """One container behind the proxy, which has requests wait while there is none."""
    address = f"https://localhost:{containers.ports['HTTPS_PORT']}"
    until(lambda: asked(address, "/health/ready")[0] == http.client.OK, "the proxy serves")
    with Load(address) as load:
        time.sleep(BEFORE)
        docker("restart", "--time", "40", containers.inspected("web")[0]["Id"])
        time.sleep(AFTER)
    assert not load.failures, f"{len(load.failures)} of {load.answered} failed: {load.failures[:5]}"
    return f"0 of {load.answered}"


def drains(containers: Containers) -> str:
    """Asked to stop under load, the server says that it is not ready, answers all the same, and then is gone."""
    (found,) = containers.inspected("web")
    (network,) = [one for name, one in found["NetworkSettings"]["Networks"].items() if name.endswith("_default")]
    address = f"http://{network['IPAddress']}:8000"
    until(lambda: asked(address, "/health/ready")[0] == http.client.OK, "the container answers")
    with Load(address, until_refused=True) as load:
        time.sleep(BEFORE)
        before = load.answered
        stopping = threading.Thread(target=docker, args=("stop", "--time", "40", found["Id"]))
        stopping.start()
        # What a load balancer hears, and goes by, as these clients do at once.
        until(lambda: asked(address, "/health/ready")[0] == http.client.SERVICE_UNAVAILABLE, "not ready", 5)
        time.sleep(1)
        during = load.answered - before
        load.over.set()
        load.wait()
        stopping.join()
    assert not load.failures, f"{len(load.failures)} of {load.answered} failed: {load.failures[:5]}"
    assert during > 0, "nothing was answered while it drained"
    (found,) = containers.inspected("web")
    # 128 + SIGTERM: it has ended by itself, and was not killed.
    assert found["State"]["ExitCode"] in {0, 143}, found["State"]
    return f"0 of {during}"
