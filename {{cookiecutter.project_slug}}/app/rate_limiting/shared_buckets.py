"""How often each thing was tried, in Redis: counted for all processes, and by each for itself while Redis is silent."""

import logging
from time import monotonic, time

from limits import RateLimitItem
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import RedisError

from app.cache.cache_store import PAUSE_SECONDS, patience
from app.rate_limiting.buckets import Buckets, whole
from app.settings import Settings

logger = logging.getLogger(__name__)


class SharedBuckets(Buckets):
    """Buckets in Redis, each one key that expires with its window; those in memory stand in for them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        prefix = f"{settings.cache_prefix}:{settings.environment}:throttle"
        # Connects with the first attempt.
        self.storage = RedisStorage(settings.redis_url, key_prefix=prefix, **patience())
        self.limiter = MovingWindowRateLimiter(self.storage)
        self.silent_until = 0.0

    def take(self, rate: RateLimitItem, action: str, whom: str) -> int:
        if monotonic() >= self.silent_until:
            try:
                return self.take_shared(rate, action, self.digest(whom))
            except RedisError as error:
                self.silent_until = monotonic() + PAUSE_SECONDS
                logger.warning(
                    "Redis does not answer (%s); this process throttles alone for %s s", error, PAUSE_SECONDS
                )
        return super().take(rate, action, whom)

    def take_shared(self, rate: RateLimitItem, *names: str) -> int:
        if self.limiter.hit(rate, *names):
            return 0
        reset, free = self.limiter.get_window_stats(rate, *names)
        # There may be room by now, and what is told then is when there will be more.
        return 1 if free else whole(reset - time(), rate.get_expiry())
