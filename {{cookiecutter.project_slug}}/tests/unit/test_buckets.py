"""Buckets in the memory of a process: how many attempts they take, when they take more, and what becomes of them."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from limits import parse

from app.rate_limiting import buckets
from app.rate_limiting.buckets import Buckets
from app.settings import Settings
from tests.unit.given import make

if TYPE_CHECKING:
    from tests.throttling import PassTime

RATE = parse("3/10 seconds")
LONG = parse("3/hour")


@pytest.fixture
def counted(settings: Settings) -> Buckets:
    return Buckets(settings)


def take(counted: Buckets, whom: str = "somebody", times: int = 1) -> list[int]:
    return [counted.take(RATE, "login", whom) for _ in range(times)]


def sizes(counted: Buckets) -> dict[int, int]:
    return {window: len(found) for window, found in counted.windows.items()}


class TestTake:
    def test_so_many_are_taken_and_then_none(self, counted: Buckets) -> None:
        assert take(counted, times=5) == [0, 0, 0, 10, 10]

    def test_each_counts_for_as_long_as_the_window(self, counted: Buckets, pass_time: "PassTime") -> None:
        for _ in range(3):
            assert take(counted) == [0]
            pass_time(3)
        # They were 9, 6 and 3 s ago.
        assert take(counted) == [1]
        pass_time(1)
        assert take(counted, times=2) == [0, 3]
        pass_time(3)
        assert take(counted, times=2) == [0, 3]

    def test_to_wait_for_as_long_as_one_is_told_is_enough(self, counted: Buckets, pass_time: "PassTime") -> None:
        for step in (0.4, 0.3, 0.2):
            take(counted)
            pass_time(step)
        for _ in range(5):
            (wait,) = take(counted)
            assert 0 <= wait <= 10
            pass_time(wait)

    def test_those_that_are_refused_do_not_count(self, counted: Buckets, pass_time: "PassTime") -> None:
        take(counted, times=3)
        for _ in range(9):
            pass_time(1)
            assert take(counted) != [0]
        pass_time(1)
        assert take(counted, times=4) == [0, 0, 0, 10]

    def test_actions_rates_and_names_have_buckets_of_their_own(self, counted: Buckets) -> None:
        take(counted, times=3)
        assert counted.take(RATE, "login", "another") == 0
        assert counted.take(RATE, "register", "somebody") == 0
        assert counted.take(LONG, "login", "somebody") == 0
        assert take(counted) == [10]

    def test_of_many_at_the_same_time_no_more_are_taken(self, counted: Buckets) -> None:
        with ThreadPoolExecutor(8) as threads:
            waits = list(threads.map(lambda _: counted.take(RATE, "login", "somebody"), range(2000)))
        assert waits.count(0) == 3


class TestMemory:
    def test_a_bucket_goes_when_nothing_in_it_counts(self, counted: Buckets, pass_time: "PassTime") -> None:
        for number in range(100):
            take(counted, f"attacker {number}")
        counted.take(LONG, "mail", "somebody")
        assert sizes(counted) == {10: 100, 3600: 1}
        pass_time(10)
        take(counted)
        assert sizes(counted) == {10: 1, 3600: 1}

    def test_there_are_never_more_than_so_many(self, counted: Buckets, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(buckets, "MOST_BUCKETS", 10)
        take(counted, "victim", times=3)
        for number in range(9):
            take(counted, f"attacker {number}")
            # What is tried again and again is not what is forgotten.
            assert take(counted, "victim") != [0]
        take(counted, "one more", times=2)
        assert sizes(counted) == {10: 10}
        assert take(counted, "victim") != [0]
        assert take(counted, "attacker 0", times=3) == [0, 0, 0]

    def test_a_full_bucket_has_no_more_times_than_the_rate_allows(
        self, counted: Buckets, pass_time: "PassTime"
    ) -> None:
        for _ in range(50):
            take(counted)
            pass_time(1)
        (times,) = counted.windows[10].values()
        assert len(times) <= 3


class TestDigest:
    def test_names_are_as_short_as_the_others_and_tell_nothing(self, counted: Buckets) -> None:
        digests = [counted.digest(whom) for whom in ("ada@example.com", "", "x" * 100_000, "\ud800", "é")]
        assert {len(digest) for digest in digests} == {64}
        assert len(set(digests)) == 5
        assert all(digest.isalnum() for digest in digests)

    def test_who_has_not_the_secret_cannot_tell_whose_one_is(self, counted: Buckets) -> None:
        other = Buckets(make())
        assert other.digest("ada@example.com") != counted.digest("ada@example.com")
        assert other.digest("ada@example.com") == Buckets(make()).digest("ada@example.com")

    def test_the_keys_are_made_of_it(self, counted: Buckets) -> None:
        take(counted, "ada@example.com")
        (key,) = counted.windows[10]
        assert counted.digest("ada@example.com") in key
        assert "@" not in key
