"""Rate limits in Redis, and in the memory of each process while Redis is down."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from limits import parse
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.main import create_app
from app.models import User
from app.rate_limiting import redis
from app.rate_limiting.memory import BoundedMemoryStorage
from app.rate_limiting.redis import SharedRateLimiter
from app.settings import Settings
from tests.caching import SECONDS_FOR_AN_ANSWER
from tests.client import Client
from tests.factories import PASSWORD
from tests.outage import until
from tests.proxy import Proxy, Way

if TYPE_CHECKING:
    from tests.throttling import PassTime

RATE = parse("3/minute")
Make = Callable[..., SharedRateLimiter]


def storage_of(limits: SharedRateLimiter) -> Any:
    return limits.storage


def hit(limits: SharedRateLimiter, times: int = 1, key: str = "ada") -> list[bool]:
    return [limits.hit(RATE, key) for _ in range(times)]


@pytest.fixture
def make(settings: Settings, proxy: Proxy) -> Iterator[Make]:
    """Return what makes the limits of another process, with keys of this test."""
    own = settings.model_copy(update={"cache_prefix": f"test-{uuid4().hex}"})
    made: list[SharedRateLimiter] = []

    def one(*, patient: bool = True, **changes: Any) -> SharedRateLimiter:
        memory = MovingWindowRateLimiter(BoundedMemoryStorage())
        limits = SharedRateLimiter(own.model_copy(update=changes), fallback=memory)
        if patient:
            # A busy machine is no outage.
            storage_of(limits).storage.connection_pool.connection_kwargs["socket_timeout"] = SECONDS_FOR_AN_ANSWER
        made.append(limits)
        return limits

    yield one
    # Before the proxy ends, which waits for its connections.
    for limits in made:
        storage_of(limits).storage.close()


@pytest.fixture
def distant(make: Make, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> SharedRateLimiter:
    """Limits with the proxy on the way to Redis; a pause lasts until the test ends it."""
    monkeypatch.setattr(redis, "PAUSE_SECONDS", 600)
    return make(patient=False, redis_url=proxy.url)


def test_processes_of_one_environment_share_the_limits(make: Make, pass_time: "PassTime") -> None:
    first, second = make(), make()
    with ThreadPoolExecutor(8) as threads:
        acquired = list(threads.map(lambda number: hit((first, second)[number % 2])[0], range(200)))
    assert (acquired.count(True), first.down_until, second.down_until) == (3, 0.0, 0.0)
    assert hit(make(environment="production")) == [True]
    redis, prefix = storage_of(first).storage, storage_of(first).key_prefix
    (key,) = redis.scan_iter(f"{prefix}:*")
    assert 0 < redis.ttl(key) <= 60
    # Refused hits don't count.
    pass_time(61)
    assert hit(first, 4) == [True, True, True, False]


@pytest.mark.parametrize("way", [Way.CUT, Way.SILENT])
def test_while_redis_is_down_each_process_limits_alone(
    proxy: Proxy, make: Make, distant: SharedRateLimiter, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    near = make()
    hit(near, 2)
    assert hit(distant) == [True]
    proxy.way = way
    # This process doesn't know what Redis knows, so as many pass again, and no more.
    assert hit(distant, 5) == [True, True, True, False, False]
    assert distant.get_window_stats(RATE, "ada").remaining == 0
    # It costs one timeout and one line of the log.
    assert proxy.asked == 1
    (line,) = [record for record in caplog.records if record.name == redis.__name__]
    assert (line.levelname, "Redis is down" in line.getMessage()) == ("WARNING", True)
    proxy.way = Way.OPEN

    def back() -> bool:
        distant.down_until = 0.0
        hit(distant, key="bob")
        return distant.down_until <= 0.0

    until(back)
    assert hit(distant) + hit(near) == [False, False]


def test_an_application_starts_and_limits_without_redis(
    running: TestClient, db: Session, user: User, settings: Settings
) -> None:
    # Bound, and not listening: connections are refused, and nobody else gets the port.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}"
        lonely = TestClient(create_app(settings.model_copy(update={"redis_url": url, "account_rate": "2/minute"})))
        # In the event loop that runs already: to start and stop it would close the connections of this one.
        lonely.portal = running.portal
        client, body = Client(lonely, db), {"email": user.email, "password": PASSWORD}
        assert [client.post("/auth/login", json=body).status_code for _ in range(3)] == [200, 200, 429]
