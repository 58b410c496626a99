"""Cache entries in Redis, which never go back to what was read before a write.

An entry is a value, or the lease of those who are loading it. A write deletes it, and what was loaded is stored only in the
place of the entry that its reader found. Entries belong to a generation: a process that failed to delete one starts a new
generation, which empties the cache, before it reads from it again.
"""

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)
T = TypeVar("T")

TIMEOUT_SECONDS = 0.25  # for each answer of Redis
PAUSE_SECONDS = 1.0  # for which Redis is left alone after a failure
LEASE_SECONDS = 5  # a value that takes longer to load is not stored
# A generation has a random name: once Redis has lost it, no entry of before comes back.
LOOK_UP = """
redis.call('set', KEYS[1], ARGV[1], 'nx')
local generation, entry = unpack(redis.call('mget', KEYS[1], KEYS[2]))
if not entry or entry:sub(1, #generation) ~= generation then
    entry = generation .. ':lease ' .. ARGV[1]
    redis.call('set', KEYS[2], entry, 'px', ARGV[2])
end
return entry
"""
FILL = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3]) end"


def patience() -> dict[str, Any]:
    """Return connection options: no retries, short timeouts, and more connections than there are threads."""
    timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    return {"retry": Retry(NoBackoff(), 0), "max_connections": 1000, **timeouts}


class CacheStore:
    """Entries that all processes share."""

    def __init__(self, url: str, prefix: str, seconds: int) -> None:
        self.redis: Any = Redis.from_url(url, **patience())
        self.run_look_up = self.redis.register_script(LOOK_UP)
        self.run_fill = self.redis.register_script(FILL)
        self.prefix = prefix
        self.milliseconds = seconds * 1000
        self.lock = Lock()
        self.missed_invalidation = False
        self.paused_until = 0.0

    def look_up(self, key: str) -> bytes:
        """Return the entry, a lease where there was none; nothing if Redis fails."""
        self.catch_up()
        names = [self.name("generation"), self.name(key)]
        return self.ask(self.run_look_up, names, [uuid4().hex, LEASE_SECONDS * 1000]) or b""

    def fill(self, key: str, entry: bytes, value: bytes) -> None:
        """Store the value in the place of an entry, unless that was invalidated since it was looked up."""
        if entry:
            new = entry.partition(b":")[0] + b":" + value
            self.ask(self.run_fill, [self.name(key)], [entry, new, self.milliseconds])

    def invalidate(self, *keys: str) -> None:
        """Delete the entries; if Redis fails, all of them as soon as it answers this process again."""
        self.catch_up()
        if self.ask(self.redis.delete, *map(self.name, keys)) is None:
            with self.lock:
                self.missed_invalidation = True

    def catch_up(self) -> None:
        """Start a new generation if this process has missed an invalidation."""
        # Locked: nobody reads before it has begun, and what is missed after that needs another one.
        with self.lock:
            if self.missed_invalidation:
                self.missed_invalidation = self.ask(self.redis.delete, self.name("generation")) is None

    def ask(self, command: Callable[..., T], *arguments: Any) -> T | None:
        """Return what Redis answers, or `None` if it fails or did so a moment ago."""
        if monotonic() < self.paused_until:
            return None
        try:
            return command(*arguments)
        except RedisError as error:
            self.paused_until = monotonic() + PAUSE_SECONDS
            logger.warning("The cache does not answer (%s); it is asked again in %s s", error, PAUSE_SECONDS)
            return None

    def name(self, key: str) -> str:
        return f"{self.prefix}:{key}"
