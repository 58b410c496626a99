"""Rate limits in Redis, shared by all processes, and in the memory of each while Redis is down."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from limits import RateLimitItem, WindowStats
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import RedisError

from app.cache.cache_store import PAUSE_SECONDS, patience
from app.settings import Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SharedRateLimiter(MovingWindowRateLimiter):
    """Moving windows in Redis, each one key that expires with it; connects with the first hit."""

    def __init__(self, settings: Settings, fallback: MovingWindowRateLimiter) -> None:
        prefix = f"{settings.cache_prefix}:{settings.environment}:rate-limit"
        super().__init__(RedisStorage(settings.redis_url, key_prefix=prefix, **patience()))
        self.fallback = fallback
        self.down_until = 0.0

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        return self.ask(super().hit, self.fallback.hit, item, *identifiers, cost=cost)

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        return self.ask(super().get_window_stats, self.fallback.get_window_stats, item, *identifiers)

    def ask(self, redis: Callable[..., T], memory: Callable[..., T], *args: object, **options: object) -> T:
        if monotonic() >= self.down_until:
            try:
                return redis(*args, **options)
            except RedisError as error:
                self.down_until = monotonic() + PAUSE_SECONDS
                logger.warning(
                    "Redis is down (%s); this process counts rate limits alone for %s s", error, PAUSE_SECONDS
                )
        return memory(*args, **options)
