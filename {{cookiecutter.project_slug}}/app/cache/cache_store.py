"""Values in Redis: leased to be loaded, forgotten by writes, and never asked for while Redis is silent.

Who is to load a value takes a lease first, and may put the value in only while the lease stands. A write takes away the
lease with the value, so that what was read before the write is never put back after it.
"""

import logging
import random
from collections.abc import Callable
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import uuid4

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.25
"""How long Redis may take for one answer."""
MOST_CONNECTIONS = 1000
"""More than there are threads; one for which none were left would take Redis for silent."""
PAUSE_SECONDS = 1.0
"""How long Redis is left alone after it did not answer."""
LEASE_SECONDS = 5
"""How long a value may take to load; one that takes longer is not kept."""
PATIENCE_SECONDS = 0.1
"""How long a request waits for a value that another one loads, before it loads the value itself."""
POLL_SECONDS = 0.005
NOTHING = b""
"""Stands for a value that is not to be kept, so that its readers don't wait for each other."""
NOTHING_SECONDS = 1
JITTER = 0.1
"""The part of its time within which a value expires: what was loaded in one moment is not all loaded in one again."""
# Gives a lease, unless there is one, or a value by now.
LEASE = """
if redis.call('exists', KEYS[1]) == 1 then return 0 end
if redis.call('set', KEYS[2], ARGV[1], 'nx', 'px', ARGV[2]) then return 1 end
return 0
"""
# Takes what was loaded, unless the lease is gone.
FILL = """
if redis.call('get', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
return redis.call('del', KEYS[2])
"""

T = TypeVar("T")


def patience() -> dict[str, Any]:
    """Return options of connections to Redis: without retries, since a request had rather do without than wait."""
    return {
        "retry": Retry(NoBackoff(), 0),
        "max_connections": MOST_CONNECTIONS,
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
    }


class CacheStore:
    """What Redis keeps for all processes, and what it has missed of this one's writes."""

    def __init__(self, url: str, prefix: str, seconds: int) -> None:
        self.redis: Any = Redis.from_url(url, **patience())
        self.lease = self.redis.register_script(LEASE)
        self.put = self.redis.register_script(FILL)
        self.prefix = prefix
        self.seconds = seconds
        self.catching_up = Lock()
        self.noting = Lock()
        self.waiting = False
        self.waiter: Thread | None = None
        self.closed = Event()
        self.silent_until = 0.0
        # When writes wanted the keys forgotten that may still be there.
        self.missed: dict[str, float] = {}

    def look_up(self, key: str) -> tuple[bytes | None, str | None]:
        """Return the value, or else a lease to load it with, or else neither: what is loaded then is not to be kept.

        Waits a little for a value that somebody else is loading.
        """
        neither: tuple[bytes | None, str | None] = (None, None)
        return self.ask(lambda: self.value_or_lease(self.name(key)), neither)

    def fill(self, key: str, lease: str, value: bytes) -> None:
        """Put the value in, or `NOTHING`, unless it was written to since the lease was given."""
        seconds = NOTHING_SECONDS if value == NOTHING else self.seconds
        milliseconds = int(seconds * 1000 * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret
        keys = [self.name(key), lease_of(self.name(key))]
        self.ask(lambda: self.put(keys=keys, args=[lease, value, milliseconds]), None)

    def forget(self, *keys: str) -> None:
        """Take out the values, and the leases of whoever is loading them: at once, or when Redis answers again."""
        with self.noting:
            self.missed.update(dict.fromkeys(map(self.name, keys), monotonic()))
        self.ask(lambda: None, None)
        with self.noting:
            if self.missed and not self.waiting:
                self.waiting = True
                self.waiter = Thread(target=self.wait_for_redis, daemon=True)
                self.waiter.start()

    def wait_for_redis(self) -> None:
        """Ask again and again until nothing is missed: nobody else may ask this process for long."""
        while self.waiting and not self.closed.wait(PAUSE_SECONDS):
            self.ask(lambda: None, None)
            with self.noting:
                self.waiting = bool(self.missed)

    def close(self) -> None:
        """Try once more to tell what Redis has missed, and let go of it."""
        self.closed.set()
        if self.waiter is not None:
            self.waiter.join()
        self.silent_until = 0.0
        self.ask(lambda: None, None)
        self.redis.close()

    def name(self, key: str) -> str:
        return f"{self.prefix}:{key}"

    def value_or_lease(self, name: str) -> tuple[bytes | None, str | None]:
        token = uuid4().hex
        give_up = monotonic() + PATIENCE_SECONDS
        while (value := self.redis.get(name)) is None:
            if self.lease(keys=[name, lease_of(name)], args=[token, LEASE_SECONDS * 1000]):
                return None, token
            if monotonic() > give_up:
                break
            sleep(POLL_SECONDS)
        return value, None

    def ask(self, question: Callable[[], T], otherwise: T) -> T:
        """Return what Redis says, or the other thing when it says nothing."""
        try:
            if self.answers():
                return question()
        except RedisError as error:
            self.silent_until = monotonic() + PAUSE_SECONDS
            logger.warning("The cache does not answer (%s); it is asked again in %s s", error, PAUSE_SECONDS)
        return otherwise

    def answers(self) -> bool:
        """Return whether Redis may be asked: it did not fail just now, and has forgotten all that it should."""
        if self.missed:
            with self.catching_up:
                if monotonic() >= self.silent_until:
                    self.catch_up()
        return monotonic() >= self.silent_until

    def catch_up(self) -> None:
        with self.noting:
            missed = dict(self.missed)
        # By then every value has expired by itself, even one put in late by a lease from before the write.
        oldest = monotonic() - self.seconds * (1 + JITTER) - LEASE_SECONDS
        names = [name for name, since in missed.items() if since >= oldest]
        if names:
            self.redis.delete(*names, *map(lease_of, names))
        with self.noting:
            for name, since in missed.items():
                if self.missed.get(name) == since:
                    del self.missed[name]


def lease_of(name: str) -> str:
    return f"{name}:lease"
