"""Entries of the cache in Redis: what may be stored, what becomes of it, and who sees it."""

import pytest

from app.cache.cache_store import LEASE_SECONDS, CacheStore
from app.settings import Settings
from tests.caching import stored

KEY = "posts:1"
OLD, NEW = b'{"title": "old"}', b'{"title": "new"}'


@pytest.fixture
def lease(store: CacheStore) -> bytes:
    return store.look_up(KEY)


def milliseconds_left(store: CacheStore, key: str) -> int:
    left: int = store.redis.pttl(store.name(key))
    return left


class TestFill:
    def test_the_value_comes_out_for_its_key_alone_until_it_expires(self, store: CacheStore, lease: bytes) -> None:
        assert 0 < milliseconds_left(store, KEY) <= LEASE_SECONDS * 1000
        store.fill(KEY, lease, NEW)
        assert store.look_up(KEY).endswith(b":" + NEW)
        assert NEW not in store.look_up("posts:10")
        assert LEASE_SECONDS * 1000 < milliseconds_left(store, KEY) <= store.milliseconds

    def test_concurrent_readers_share_a_lease(self, store: CacheStore, lease: bytes) -> None:
        assert store.look_up(KEY) == lease
        store.fill(KEY, lease, NEW)
        store.fill(KEY, lease, OLD)
        assert stored(store) == {KEY: NEW}

    def test_what_was_read_before_a_write_is_not_stored(self, store: CacheStore, lease: bytes) -> None:
        store.invalidate(KEY)
        store.fill(KEY, lease, OLD)
        assert stored(store) == {}
        newer = store.look_up(KEY)
        store.fill(KEY, lease, OLD)
        store.fill(KEY, newer, NEW)
        store.fill(KEY, lease, OLD)
        assert stored(store) == {KEY: NEW}

    def test_what_took_longer_than_its_lease_is_not_stored(self, store: CacheStore, lease: bytes) -> None:
        store.redis.pexpire(store.name(KEY), 0)
        store.fill(KEY, lease, OLD)
        assert stored(store) == {}


def test_environments_on_one_server_share_nothing(store: CacheStore, lease: bytes, settings: Settings) -> None:
    store.fill(KEY, lease, NEW)
    other = CacheStore(settings.redis_url, f"{store.prefix}-other", 300)
    other.invalidate(KEY)
    assert NEW not in other.look_up(KEY)
    other.redis.close()
    assert stored(store) == {KEY: NEW}
    assert store.prefix.startswith(f"{settings.cache_prefix}:{settings.environment}:")


def test_no_thread_waits_for_a_connection(store: CacheStore) -> None:
    (limit,) = (rule.le for rule in Settings.model_fields["request_threads"].metadata if hasattr(rule, "le"))
    assert store.redis.connection_pool.max_connections > limit
