"""Values in Redis: who may put one in, how long it stays, and who waits for whom."""

import pytest

from app.cache import cache_store
from app.cache.cache_store import JITTER, LEASE_SECONDS, NOTHING, NOTHING_SECONDS, CacheStore, lease_of
from app.settings import Settings
from tests.caching import stored

KEY = "posts:1"
NEITHER = (None, None)


@pytest.fixture
def lease(store: CacheStore) -> str:
    """The right to put a value in."""
    value, lease = store.look_up(KEY)
    assert value is None
    assert lease is not None
    return lease


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_store, "PATIENCE_SECONDS", 0)


def milliseconds_left(store: CacheStore, key: str) -> int:
    left: int = store.redis.pttl(store.name(key))
    return left


class TestLookUp:
    def test_what_was_put_in_comes_out(self, store: CacheStore, lease: str) -> None:
        store.fill(KEY, lease, b'{"title": "\xc3\xa9\x00"}')
        assert [store.look_up(KEY) for _ in range(2)] == [(b'{"title": "\xc3\xa9\x00"}', None)] * 2

    def test_one_key_is_not_another(self, store: CacheStore, lease: str) -> None:
        store.fill(KEY, lease, b"value")
        value, other = store.look_up("posts:10")
        assert value is None
        assert other not in {None, lease}

    @pytest.mark.usefixtures("lease", "no_patience")
    def test_a_second_reader_gets_no_lease(self, store: CacheStore) -> None:
        assert store.look_up(KEY) == NEITHER

    def test_it_waits_for_a_value_that_is_being_loaded(
        self, store: CacheStore, lease: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache_store, "sleep", lambda _: store.fill(KEY, lease, b"value"))
        assert store.look_up(KEY) == (b"value", None)

    def test_it_may_load_what_was_written_to_while_it_waited(
        self, store: CacheStore, lease: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache_store, "sleep", lambda _: store.forget(KEY))
        value, new = store.look_up(KEY)
        assert value is None
        assert new not in {None, lease}

    @pytest.mark.usefixtures("lease")
    def test_it_does_not_wait_for_ever(self, store: CacheStore) -> None:
        assert store.look_up(KEY) == NEITHER

    @pytest.mark.usefixtures("lease")
    def test_a_lease_ends_by_itself(self, store: CacheStore) -> None:
        assert 0 < milliseconds_left(store, lease_of(KEY)) <= LEASE_SECONDS * 1000


class TestFill:
    def test_only_the_holder_of_the_lease_may(self, store: CacheStore, lease: str) -> None:
        store.fill(KEY, "another", b"old")
        assert stored(store) == {lease_of(KEY): lease.encode()}

    def test_nobody_may_after_a_write(self, store: CacheStore, lease: str) -> None:
        store.forget(KEY)
        store.fill(KEY, lease, b"old")
        assert stored(store) == {}

    def test_nobody_may_when_the_lease_has_expired(self, store: CacheStore, lease: str) -> None:
        store.redis.pexpire(store.name(lease_of(KEY)), 0)
        store.fill(KEY, lease, b"old")
        assert stored(store) == {}

    def test_an_expired_lease_leaves_the_next_one_alone(self, store: CacheStore, lease: str) -> None:
        store.redis.pexpire(store.name(lease_of(KEY)), 0)
        _, new = store.look_up(KEY)
        assert new is not None
        store.fill(KEY, lease, b"old")
        store.fill(KEY, new, b"new")
        assert stored(store) == {KEY: b"new"}

    def test_it_gives_the_lease_back(self, store: CacheStore, lease: str) -> None:
        store.fill(KEY, lease, b"value")
        assert stored(store) == {KEY: b"value"}

    def test_values_expire_a_tenth_around_their_time(self, store: CacheStore, settings: Settings) -> None:
        for key in map(str, range(50)):
            _, lease = store.look_up(key)
            assert lease is not None
            store.fill(key, lease, b"value")
        left = [milliseconds_left(store, str(number)) for number in range(50)]
        life = settings.cache_seconds * 1000
        # A minute is what the test itself may take at most.
        assert life * 0.9 - 60_000 < min(left) < max(left) <= life * 1.1
        assert max(left) - min(left) > life * 0.05

    def test_that_there_is_nothing_to_keep_is_known_for_a_second(self, store: CacheStore, lease: str) -> None:
        store.fill(KEY, lease, NOTHING)
        assert store.look_up(KEY) == (NOTHING, None)
        assert 0 < milliseconds_left(store, KEY) <= NOTHING_SECONDS * 1000 * (1 + JITTER)
        assert NOTHING_SECONDS == 1


class TestForget:
    def test_it_takes_out_what_is_named_and_no_more(self, store: CacheStore) -> None:
        for key in ("posts:1", "posts:2", "users:1", "users:2"):
            _, lease = store.look_up(key)
            assert lease is not None
            store.fill(key, lease, b"value")
        store.forget("posts:1", "users:2")
        assert set(stored(store)) == {"posts:2", "users:1"}
        assert store.missed == {}

    def test_what_is_not_there_is_no_error(self, store: CacheStore) -> None:
        store.forget(KEY)
        store.forget()
        assert (stored(store), store.missed, store.silent_until) == ({}, {}, 0.0)

    @pytest.mark.usefixtures("lease")
    def test_the_next_reader_gets_a_lease(self, store: CacheStore) -> None:
        store.forget(KEY)
        assert store.look_up(KEY)[1] is not None


class TestEnvironments:
    def test_two_on_a_server_know_nothing_of_each_other(
        self, store: CacheStore, lease: str, settings: Settings
    ) -> None:
        store.fill(KEY, lease, b"value")
        other = CacheStore(settings.redis_url, f"{store.prefix}-other", settings.cache_seconds)
        assert other.look_up(KEY)[0] is None
        other.forget(KEY)
        assert store.look_up(KEY) == (b"value", None)
        other.redis.close()

    def test_the_applications_keys_begin_with_its_prefix_and_its_environment(
        self, store: CacheStore, lease: str, settings: Settings
    ) -> None:
        beginning = f"{settings.cache_prefix}:{settings.environment}:"
        names = [name.decode() for name in store.redis.scan_iter(f"{settings.cache_prefix}*:{lease_of(KEY)}")]
        assert names
        assert all(name.startswith(beginning) for name in names)

    def test_no_thread_waits_for_a_connection(self, store: CacheStore) -> None:
        (limit,) = (rule.le for rule in Settings.model_fields["request_threads"].metadata if hasattr(rule, "le"))
        assert store.redis.connection_pool.max_connections > limit
