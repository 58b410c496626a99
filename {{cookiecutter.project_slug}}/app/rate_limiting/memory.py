"""Rate limits in the memory of this process, as a storage for `limits`."""

import sys
import time
from collections import OrderedDict, defaultdict, deque
from threading import Lock

from limits.storage import MovingWindowSupport, Storage

MAX_KEYS = 100_000
"""For each window length; they take some 40 MB."""


class BoundedMemoryStorage(Storage, MovingWindowSupport):
    """Moving windows that are dropped when they are empty, and the least recently hit when there are too many.

    `limits.storage.MemoryStorage` keeps every key for ever and scans all of them every 10 ms.
    """

    base_exceptions = ()

    def __init__(self) -> None:
        super().__init__()
        # By window length, the hits of each key; the key that was hit last is the last.
        self.windows: defaultdict[int, OrderedDict[str, deque[float]]] = defaultdict(OrderedDict)
        self.lock = Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with self.lock:
            now = time.time()
            windows = self.windows[expiry]
            hits = windows.setdefault(key, deque())
            windows.move_to_end(key)
            while hits and hits[0] <= now - expiry:
                hits.popleft()
            acquired = len(hits) + amount <= limit
            if acquired:
                hits.extend([now] * amount)
            evict(windows, now - expiry)
            return acquired

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - the interface has it
        with self.lock:
            now = time.time()
            hits = [hit for hit in self.windows[expiry].get(key, ()) if hit > now - expiry]
            return (hits[0] if hits else now), len(hits)

    def clear(self, key: str) -> None:
        with self.lock:
            for windows in self.windows.values():
                windows.pop(key, None)

    def reset(self) -> None:
        with self.lock:
            self.windows.clear()

    def check(self) -> bool:
        return True

    # What `Storage` demands for fixed windows: here their counts are those of the moving windows.
    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        self.acquire_entry(key, sys.maxsize, expiry, amount)
        return self.get_moving_window(key, sys.maxsize, expiry)[1]

    def get(self, key: str) -> int:
        return max(hits for _, hits, _ in self.windows_of(key))

    def get_expiry(self, key: str) -> float:
        return max(first + expiry for first, _, expiry in self.windows_of(key))

    def windows_of(self, key: str) -> list[tuple[float, int, int]]:
        """Return the first hit, the number of hits and the length of each window of the key, and one that is empty."""
        found = [(*self.get_moving_window(key, sys.maxsize, expiry), expiry) for expiry in list(self.windows)]
        return [(time.time(), 0, 0), *(window for window in found if window[1])]


def evict(windows: OrderedDict[str, deque[float]], since: float) -> None:
    while windows:
        key, hits = next(iter(windows.items()))
        if hits and hits[-1] > since and len(windows) <= MAX_KEYS:
            break
        del windows[key]
