"""How often each thing was tried, in the memory of this process: at most so many times within any window of time.

`limits` has a storage in memory too. That one keeps every name for ever and looks through all of them every 10 ms, so
that whoever tries with many names slows everybody down.
"""

import hmac
from collections import OrderedDict, defaultdict
from math import ceil
from threading import Lock
from time import monotonic

from limits import RateLimitItem

from app.settings import Settings

MOST_BUCKETS = 100_000
"""For each length of a window; they take some 40 MB."""


class Buckets:
    """Buckets of an application; each has room again as soon as the oldest attempt in it is a window old."""

    def __init__(self, settings: Settings) -> None:
        self.secret = settings.secret_key.encode()
        # By the length of the window, the buckets in the order in which they were last tried.
        self.windows: defaultdict[int, OrderedDict[str, list[float]]] = defaultdict(OrderedDict)
        self.lock = Lock()

    def take(self, rate: RateLimitItem, action: str, whom: str) -> int:
        """Count an attempt and return 0, or count none and return the whole seconds until there is room for one."""
        key, window = rate.key_for(action, self.digest(whom)), rate.get_expiry()
        with self.lock:
            present = monotonic()
            buckets = self.windows[window]
            times = buckets.setdefault(key, [])
            buckets.move_to_end(key)
            while times and times[0] <= present - window:
                del times[0]
            full = len(times) >= rate.amount
            if not full:
                times.append(present)
            forget_oldest(buckets, present - window)
            return whole(times[0] + window - present, window) if full else 0

    def digest(self, whom: str) -> str:
        """Return a name that tells nobody whom it stands for, and is never long."""
        # A form may hold halves of characters.
        return hmac.digest(self.secret, whom.encode(errors="surrogatepass"), "sha256").hex()


def forget_oldest(buckets: OrderedDict[str, list[float]], since: float) -> None:
    """Drop the buckets of which nothing counts any more, and those that are too many."""
    while buckets:
        key, times = next(iter(buckets.items()))
        if times[-1] > since and len(buckets) <= MOST_BUCKETS:
            break
        del buckets[key]


def whole(seconds: float, window: int) -> int:
    """Return the seconds to wait as `Retry-After` says them: at least one, and never more than the window."""
    return min(max(ceil(seconds), 1), window)
