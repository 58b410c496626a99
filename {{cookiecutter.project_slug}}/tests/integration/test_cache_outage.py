"""Redis fails: requests are answered as without it, and nothing old is shown once it is back."""

import pytest

from app.cache import cache_store
from app.cache.cache_store import CacheStore
from app.models import Post, User
from app.settings import Settings
from tests.caching import SECONDS_FOR_AN_ANSWER, read
from tests.client import Client
from tests.factories import PostFactory
from tests.proxy import Proxy, Way
from tests.replica import replica_proxy


@pytest.fixture(autouse=True)
def no_end_of_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pause last until the test ends it."""
    monkeypatch.setattr(cache_store, "PAUSE_SECONDS", 600)


@pytest.fixture
def post(user: User) -> Post:
    return PostFactory(author=user, title="Old")


def end_outage(proxy: Proxy, distant: CacheStore) -> None:
    """Let Redis be asked again, with more time than in production: a busy machine is no outage."""
    proxy.way = Way.OPEN
    distant.redis.connection_pool.connection_kwargs["socket_timeout"] = SECONDS_FOR_AN_ANSWER
    distant.paused_until = 0.0


@pytest.mark.parametrize("way", [Way.CUT, Way.SILENT])
class TestOutage:
    def test_requests_are_answered_at_the_cost_of_one_question_and_one_line_of_the_log(
        self,
        client: Client,
        user: User,
        post: Post,
        proxy: Proxy,
        distant: CacheStore,
        way: Way,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        proxy.way = way
        assert [read(client, row)[0] for row in (post, post, user)] == ["MISS"] * 3
        asked = proxy.asked
        assert client.patch(f"/posts/{post.id}", json={"title": "New"}).json()["title"] == "New"
        assert read(client, post)[1]["title"] == "New"
        assert client.delete("/users/me").status_code == 204
        assert proxy.asked == asked > 0
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["database"], ready.json()["cache"]) == (200, "ok", "down")
        (line,) = [record for record in caplog.records if record.name == cache_store.__name__]
        assert (line.levelname, "The cache does not answer" in line.getMessage()) == ("WARNING", True)

    @pytest.mark.parametrize("occasion", ["read", "write", "readiness"])
    def test_a_missed_invalidation_empties_the_cache_of_all_processes_once_redis_answers(
        self, client: Client, post: Post, store: CacheStore, proxy: Proxy, distant: CacheStore, way: Way, occasion: str
    ) -> None:
        """`distant` is the cache of the process that can't reach Redis, `store` that of one that can."""
        read(client, post)
        lease = store.look_up("users:1")
        proxy.way = way
        assert client.patch(f"/posts/{post.id}", json={"title": "New"}).status_code == 200
        # Until then the other process goes on showing what it can't know to be old.
        assert b'"Old"' in store.look_up(f"posts:{post.id}")
        distant.paused_until = 0.0
        assert read(client, post)[1]["title"] == "New"
        end_outage(proxy, distant)
        if occasion == "read":
            assert read(client, post)[1]["title"] == "New"
        elif occasion == "write":
            distant.invalidate("posts:0")
        else:
            assert client.get("/health/ready").json()["cache"] == "ok"
        store.fill("users:1", lease, b'"Old"')
        assert not any(b'"Old"' in store.look_up(key) for key in (f"posts:{post.id}", "users:1"))
        # The generation is a new one once.
        store.fill("users:1", store.look_up("users:1"), b'"New"')
        assert [read(client, post)[1]["title"] for _ in range(2)] == ["New", "New"]
        assert b'"New"' in store.look_up("users:1")


def test_a_cache_that_takes_no_writes_is_down(
    anon_client: Client, store: CacheStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replica_proxy(settings.redis_url) as proxy:
        replicated = CacheStore(proxy.url, store.prefix, 300)
        monkeypatch.setattr("app.cache.store", replicated)
        states = [anon_client.get("/health/ready").json()["cache"]]
        proxy.replica = True
        states.append(anon_client.get("/health/ready").json()["cache"])
        replicated.redis.close()
    assert states == ["ok", "down"]
