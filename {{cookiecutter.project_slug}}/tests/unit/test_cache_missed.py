"""What was to be forgotten while Redis did not answer, and is made up for when it does."""

from time import monotonic

import pytest

from app.cache import cache_store
from app.cache.cache_store import JITTER, CacheStore, lease_of
from app.settings import Settings
from tests.caching import stored
from tests.outage import until

KEY = "posts:1"
NEITHER = (None, None)


@pytest.fixture(autouse=True)
def kept(store: CacheStore) -> None:
    """Put in an old value."""
    _, lease = store.look_up(KEY)
    assert lease is not None
    store.fill(KEY, lease, b"old")


class TestMissed:
    def test_nothing_is_asked_during_the_pause(self, store: CacheStore) -> None:
        store.silent_until = monotonic() + 600
        store.forget(KEY)
        assert store.look_up(KEY) == NEITHER
        assert stored(store) == {KEY: b"old"}

    @pytest.mark.parametrize("key", [KEY, "posts:2"])
    def test_the_first_question_after_it_makes_up_for_it(self, store: CacheStore, key: str) -> None:
        store.silent_until = monotonic() + 600
        store.forget(KEY)
        store.silent_until = 0.0
        value, lease = store.look_up(key)
        assert value is None
        assert lease is not None
        assert stored(store) == {lease_of(key): lease.encode()}
        assert store.missed == {}

    def test_it_is_made_up_for_though_nobody_asks(self, store: CacheStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cache_store, "PAUSE_SECONDS", 0.01)
        store.silent_until = monotonic() + 0.02
        store.forget(KEY)
        assert stored(store) == {KEY: b"old"}
        until(lambda: not store.waiting)
        assert (stored(store), store.missed) == ({}, {})

    def test_the_end_of_the_process_is_the_last_occasion(self, store: CacheStore, settings: Settings) -> None:
        other = CacheStore(settings.redis_url, store.prefix, store.seconds)
        other.silent_until = monotonic() + 600
        other.forget(KEY)
        other.close()
        assert (stored(store), other.missed) == ({}, {})
        assert other.waiter is not None
        assert not other.waiter.is_alive()

    def test_a_lease_from_before_is_taken_away_too(self, store: CacheStore) -> None:
        _, lease = store.look_up("posts:2")
        assert lease is not None
        store.silent_until = monotonic() + 600
        store.forget("posts:2")
        store.silent_until = 0.0
        store.fill("posts:2", lease, b"old")
        assert stored(store) == {KEY: b"old"}

    @pytest.mark.parametrize(("age", "left"), [(-30, set()), (1, {KEY})])
    def test_values_that_have_expired_by_themselves_are_not_asked_for(
        self, store: CacheStore, age: int, left: set[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # One that was loaded before the write may be put in as long as its lease stands.
        monkeypatch.setattr(cache_store, "LEASE_SECONDS", 60)
        life = store.seconds * (1 + JITTER) + 60
        store.missed = {store.name(KEY): monotonic() - life - age}
        store.look_up("posts:2")
        assert stored(store).keys() & {KEY} == left
        assert store.missed == {}

    def test_what_is_missed_meanwhile_is_not_lost(self, store: CacheStore, monkeypatch: pytest.MonkeyPatch) -> None:
        delete = store.redis.delete

        def delete_while_there_is_another_write(*names: str) -> None:
            delete(*names)
            store.missed[store.name("posts:2")] = monotonic()

        monkeypatch.setattr(store.redis, "delete", delete_while_there_is_another_write)
        store.forget("posts:2")
        assert set(store.missed) == {store.name("posts:2")}
