"""Attempts counted in Redis for all processes, and by each for itself while Redis does not answer."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from limits import parse
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.main import create_app
from app.models import User
from app.rate_limiting import shared_buckets
from app.rate_limiting.shared_buckets import SharedBuckets
from app.settings import Settings
from tests.caching import SECONDS_FOR_AN_ANSWER
from tests.client import Client
from tests.factories import PASSWORD
from tests.outage import until
from tests.proxy import Proxy, Way

if TYPE_CHECKING:
    from tests.throttling import PassTime, SetRates

RATE = parse("3/minute")
LONG = 600
OUT_OF_REACH = [Way.CUT, Way.SILENT]
Make = Callable[..., SharedBuckets]


def redis_of(counted: SharedBuckets) -> Any:
    return counted.storage.storage


def take(counted: SharedBuckets, times: int = 1, whom: str = "account ada@example.com") -> list[int]:
    return [counted.take(RATE, "login", whom) for _ in range(times)]


def log_in(client: Client) -> int:
    return client.post("/auth/login", json={"email": "user@example.com", "password": PASSWORD}).status_code


@contextmanager
def installed(app: FastAPI, counted: SharedBuckets) -> Iterator[None]:
    """Let the application count in these."""
    own = app.state.buckets
    app.state.buckets = counted
    try:
        yield
    finally:
        app.state.buckets = own


@pytest.fixture
def make(settings: Settings) -> Iterator[Make]:
    """Return what makes buckets as another process has them, on a part of Redis for this test."""
    own = settings.model_copy(update={"cache_prefix": f"{settings.cache_prefix}-{uuid4().hex}"})
    made: list[SharedBuckets] = []

    def one(**changes: Any) -> SharedBuckets:
        made.append(SharedBuckets(own.model_copy(update=changes)))
        return made[-1]

    yield one
    for counted in made:
        redis_of(counted).close()


@pytest.fixture
def counted(make: Make) -> SharedBuckets:
    counted = make()
    # A busy machine is no outage.
    redis_of(counted).connection_pool.connection_kwargs["socket_timeout"] = SECONDS_FOR_AN_ANSWER
    return counted


@pytest.fixture
def distant(make: Make, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedBuckets]:
    """Buckets with the proxy on the way to Redis; a pause lasts until the test ends it."""
    monkeypatch.setattr(shared_buckets, "PAUSE_SECONDS", LONG)
    distant = make(redis_url=proxy.url)
    yield distant
    # Before the proxy ends, which waits for its connections.
    redis_of(distant).close()


class TestShared:
    def test_what_one_process_counts_the_others_know(self, counted: SharedBuckets, make: Make) -> None:
        other = make()
        assert [*take(counted), *take(other), *take(counted)] == [0, 0, 0]
        assert 1 <= take(other)[0] <= 60
        assert 1 <= take(counted)[0] <= 60
        # None of it is in the memory of either.
        assert (counted.windows, other.windows) == ({}, {})

    def test_of_many_at_the_same_time_no_more_are_taken(self, counted: SharedBuckets, make: Make) -> None:
        processes = [counted, make()]
        with ThreadPoolExecutor(8) as threads:
            waits = list(threads.map(lambda number: take(processes[number % 2])[0], range(200)))
        assert [one.silent_until for one in processes] == [0.0, 0.0]
        assert waits.count(0) == 3

    def test_each_counts_for_as_long_as_the_window(self, counted: SharedBuckets, pass_time: "PassTime") -> None:
        for _ in range(3):
            assert take(counted) == [0]
            pass_time(20)
        assert take(counted, 2) == [0, 20]
        pass_time(20)
        assert take(counted, 2) == [0, 20]

    def test_those_that_are_refused_do_not_count(self, counted: SharedBuckets, pass_time: "PassTime") -> None:
        take(counted, 3)
        for _ in range(5):
            pass_time(10)
            assert take(counted) != [0]
        pass_time(10.5)
        assert [wait > 0 for wait in take(counted, 4)] == [False, False, False, True]

    @pytest.mark.parametrize(
        "change", [{"environment": "production"}, {"cache_prefix": f"another-{uuid4().hex}"}, {"secret_key": "another"}]
    )
    def test_other_environments_and_projects_count_for_themselves(
        self, counted: SharedBuckets, make: Make, change: dict[str, str]
    ) -> None:
        take(counted, 3)
        assert take(make(**change)) == [0]


class TestKeys:
    def test_they_tell_nobody_who_it_was_and_expire(
        self, client: Client, app: FastAPI, settings: Settings, counted: SharedBuckets, set_rates: "SetRates"
    ) -> None:
        set_rates(address_rate="5/minute", account_rate="3/hour")
        with installed(app, counted):
            assert log_in(client) == 200
        redis = redis_of(counted)
        keys = list(redis.scan_iter(f"{counted.storage.key_prefix}*"))
        assert counted.storage.key_prefix.endswith(f":{settings.environment}:throttle")
        address, account = sorted(redis.ttl(key) for key in keys)
        assert 0 < address <= 60 < account <= 3600
        for text in (*keys, *(value for key in keys for value in redis.lrange(key, 0, -1))):
            assert b"user" not in text
            assert b"example" not in text
            assert b"testclient" not in text


@pytest.mark.parametrize("way", OUT_OF_REACH)
class TestOutage:
    def test_attempts_are_throttled_by_the_process_itself(
        self,
        anon_client: Client,
        app: FastAPI,
        user: User,
        proxy: Proxy,
        distant: SharedBuckets,
        set_rates: "SetRates",
        way: Way,
    ) -> None:
        set_rates(account_rate="2/minute")
        proxy.way = way
        with installed(app, distant):
            assert [log_in(anon_client) for _ in range(4)] == [200, 200, 429, 429]

    def test_it_costs_one_question_and_one_line_of_the_log(
        self, proxy: Proxy, distant: SharedBuckets, way: Way, caplog: pytest.LogCaptureFixture
    ) -> None:
        take(distant)
        proxy.way = way
        assert take(distant, 4) == [0, 0, 0, 60]
        assert proxy.asked == 1
        (line,) = [record for record in caplog.records if record.name == shared_buckets.__name__]
        assert (line.levelname, "Redis does not answer" in line.getMessage()) == ("WARNING", True)

    def test_redis_counts_again_afterwards_and_has_forgotten_nothing(
        self, counted: SharedBuckets, proxy: Proxy, distant: SharedBuckets, way: Way
    ) -> None:
        take(counted, 2)
        assert take(distant) == [0]
        proxy.way = way
        # What Redis knows this process does not, so it lets as many pass again, and no more.
        assert [wait > 0 for wait in take(distant, 5)] == [False, False, False, True, True]
        proxy.way = Way.OPEN

        def back() -> bool:
            distant.silent_until = 0.0
            take(distant, whom="another")
            return distant.silent_until <= 0.0

        until(back)
        assert [wait > 0 for wait in (*take(distant), *take(counted))] == [True, True]


class TestAbsence:
    def test_an_application_starts_without_redis_and_throttles(
        self, running: TestClient, db: Session, user: User, settings: Settings
    ) -> None:
        # Bound, and not listening: connections are refused, and nobody else gets the port.
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            url = f"redis://127.0.0.1:{nobody.getsockname()[1]}"
            lonely = TestClient(create_app(settings.model_copy(update={"redis_url": url, "account_rate": "2/minute"})))
            # In the event loop that runs already: to start and stop it would close the connections of this one.
            lonely.portal = running.portal
            assert [log_in(Client(lonely, db)) for _ in range(3)] == [200, 200, 429]

    def test_making_them_asks_nothing_of_redis(self, proxy: Proxy, make: Make) -> None:
        proxy.way = Way.CUT
        counted = make(redis_url=proxy.url)
        assert (proxy.asked, counted.silent_until) == (0, 0.0)
