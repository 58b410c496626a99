"""Moving windows in the memory of a process."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from limits import parse
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from app.rate_limiting import memory
from app.rate_limiting.memory import BoundedMemoryStorage

if TYPE_CHECKING:
    from tests.throttling import PassTime

RATE = parse("3/10 seconds")
LONG = parse("3/hour")


@pytest.fixture
def storage() -> BoundedMemoryStorage:
    return BoundedMemoryStorage()


@pytest.fixture
def limits(storage: BoundedMemoryStorage) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage)


def hit(limits: MovingWindowRateLimiter, key: str = "ada", times: int = 1) -> list[bool]:
    return [limits.hit(RATE, key) for _ in range(times)]


def test_a_hit_counts_for_one_window_and_a_refused_one_not_at_all(
    limits: MovingWindowRateLimiter, pass_time: "PassTime"
) -> None:
    for _ in range(3):
        assert hit(limits) == [True]
        pass_time(3)
    # They were 9, 6 and 3 s ago.
    assert hit(limits, times=5) == [False] * 5
    for _ in range(2):
        pass_time(3)
        assert hit(limits, times=2) == [True, False]
    pass_time(10)
    assert limits.get_window_stats(RATE, "ada").remaining == 3


def test_the_storage_counts_fixed_windows_too(storage: BoundedMemoryStorage, pass_time: "PassTime") -> None:
    fixed = FixedWindowRateLimiter(storage)
    assert [fixed.hit(RATE, "ada") for _ in range(4)] == [True, True, True, False]
    assert fixed.get_window_stats(RATE, "ada").remaining == 0
    assert 0 < fixed.get_window_stats(RATE, "ada").reset_time - time.time() <= 10
    assert fixed.get_window_stats(RATE, "bob").remaining == 3
    pass_time(10)
    assert fixed.hit(RATE, "ada")


def test_each_key_and_rate_has_a_window_of_its_own(limits: MovingWindowRateLimiter) -> None:
    assert hit(limits, times=4) == [True, True, True, False]
    assert hit(limits, "bob") == [True]
    assert limits.hit(LONG, "ada", cost=3)
    assert not limits.hit(LONG, "ada")
    limits.clear(LONG, "ada")
    assert (limits.hit(LONG, "ada"), hit(limits)) == (True, [False])


def test_concurrent_hits_do_not_exceed_the_limit(limits: MovingWindowRateLimiter) -> None:
    with ThreadPoolExecutor(8) as threads:
        acquired = list(threads.map(lambda _: limits.hit(RATE, "ada"), range(2000)))
    assert acquired.count(True) == 3


def test_hits_are_forgotten_after_their_window(
    limits: MovingWindowRateLimiter, storage: BoundedMemoryStorage, pass_time: "PassTime"
) -> None:
    for number in range(100):
        hit(limits, f"attacker {number}")
    limits.hit(LONG, "ada")
    assert {expiry: len(windows) for expiry, windows in storage.windows.items()} == {10: 100, 3600: 1}
    for _ in range(20):
        pass_time(1)
        hit(limits)
    assert {expiry: len(windows) for expiry, windows in storage.windows.items()} == {10: 1, 3600: 1}
    assert [len(hits) for hits in storage.windows[10].values()] == [3]


def test_the_least_recently_tried_keys_make_room_for_others(
    limits: MovingWindowRateLimiter, storage: BoundedMemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MAX_KEYS", 10)
    hit(limits, "victim", times=3)
    for number in range(20):
        hit(limits, f"attacker {number}", times=3)
        assert hit(limits, "victim") == [False]
    assert len(storage.windows[10]) == 10
    assert hit(limits, "attacker 0") == [True]
