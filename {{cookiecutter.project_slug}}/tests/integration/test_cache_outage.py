"""Redis does not answer: every request is answered as without it, and nothing old is shown when it is back."""

import socket
from time import monotonic

import pytest

from app import cache
from app.cache import cache_store
from app.cache.cache_store import CacheStore
from app.models import Post, User
from app.settings import Settings
from tests.caching import read, stored
from tests.client import Client
from tests.factories import PostFactory
from tests.outage import until
from tests.proxy import Proxy, Way
from tests.replica import replica_proxy

LONG = 600
OUT_OF_REACH = [Way.CUT, Way.SILENT]


@pytest.fixture
def no_end_of_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pause last until the test ends it."""
    monkeypatch.setattr(cache_store, "PAUSE_SECONDS", LONG)


@pytest.fixture
def post(user: User) -> Post:
    return PostFactory(author=user, title="Old")


def where(client: Client, post: Post) -> str:
    return read(client, post)[0]


def ended(distant: CacheStore) -> CacheStore:
    """End the pause."""
    distant.silent_until = 0.0
    return distant


@pytest.mark.usefixtures("no_end_of_pause")
@pytest.mark.parametrize("way", OUT_OF_REACH)
class TestOutage:
    def test_reads_and_writes_are_answered(
        self, client: Client, user: User, post: Post, proxy: Proxy, distant: CacheStore, way: Way
    ) -> None:
        proxy.way = way
        # First with a question in vain, then in the pause.
        for path in (f"/posts/{post.id}", f"/posts/{post.id}", f"/users/{user.id}"):
            response = client.get(path)
            assert (response.status_code, response.headers["X-Cache"]) == (200, "MISS")
        ended(distant)
        assert client.patch(f"/posts/{post.id}", json={"title": "New"}).json()["title"] == "New"
        assert client.delete(f"/posts/{post.id}").status_code == 204
        assert client.delete("/users/me").status_code == 204

    def test_the_process_is_ready_and_says_so(
        self, anon_client: Client, proxy: Proxy, distant: CacheStore, way: Way
    ) -> None:
        proxy.way = way
        response = anon_client.get("/health/ready")
        assert (response.status_code, response.json()["cache"], response.json()["database"]) == (200, "down", "ok")

    def test_it_costs_one_question_and_one_line_of_the_log(
        self,
        client: Client,
        post: Post,
        proxy: Proxy,
        distant: CacheStore,
        way: Way,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        assert where(client, post) == "MISS"
        proxy.way = way
        assert where(client, post) == "MISS"
        asked = proxy.asked
        assert asked
        for title in ("Second", "Third"):
            assert client.patch(f"/posts/{post.id}", json={"title": title}).status_code == 200
            assert [where(client, post) for _ in range(2)] == ["MISS", "MISS"]
        assert proxy.asked == asked
        (line,) = [record for record in caplog.records if record.name == cache_store.__name__]
        assert (line.levelname, "The cache does not answer" in line.getMessage()) == ("WARNING", True)
        assert monotonic() < distant.silent_until <= monotonic() + LONG

    def test_it_is_used_again_afterwards(
        self, client: Client, post: Post, proxy: Proxy, distant: CacheStore, way: Way
    ) -> None:
        proxy.way = way
        assert [where(client, post) for _ in range(2)] == ["MISS", "MISS"]
        proxy.way = Way.OPEN
        assert where(client, post) == "MISS"
        until(lambda: where(client, post) == "HIT" if ended(distant) else False)

    def test_a_write_meanwhile_is_shown_afterwards(
        self, client: Client, user: User, post: Post, store: CacheStore, proxy: Proxy, distant: CacheStore, way: Way
    ) -> None:
        key, kept = f"posts:{post.id}", b'"Old"'
        assert where(client, post) == "MISS"
        assert client.get(f"/users/{user.id}").status_code == 200
        proxy.way = way
        assert client.patch(f"/posts/{post.id}", json={"title": "New"}).status_code == 200
        assert client.patch("/users/me", json={"name": "New"}).status_code == 200
        assert kept in stored(store)[key]
        proxy.way = Way.OPEN
        ended(distant)
        for path, shown in ((f"/posts/{post.id}", "title"), (f"/users/{user.id}", "name")):
            assert [client.get(path).json()[shown] for _ in range(2)] == ["New", "New"]
        until(lambda: not ended(distant).missed if where(client, post) else False)
        assert kept not in stored(store).get(key, b"")

    def test_a_deletion_meanwhile_stays_one(
        self, client: Client, anon_client: Client, post: Post, proxy: Proxy, distant: CacheStore, way: Way
    ) -> None:
        assert where(anon_client, post) == "MISS"
        proxy.way = way
        assert client.delete("/users/me").status_code == 204
        proxy.way = Way.OPEN
        ended(distant)
        assert [anon_client.get(f"/posts/{post.id}").status_code for _ in range(2)] == [404, 404]


class TestRefusal:
    def test_a_server_that_is_not_there_is_an_outage_too(
        self, client: Client, post: Post, store: CacheStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Bound, and not listening: connections are refused, and nobody else gets the port.
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            absent = CacheStore(f"redis://127.0.0.1:{nobody.getsockname()[1]}", store.prefix, store.seconds)
            monkeypatch.setattr(cache, "store", absent)
            assert client.patch(f"/posts/{post.id}", json={"title": "New"}).status_code == 200
            assert [where(client, post) for _ in range(2)] == ["MISS", "MISS"]
            assert absent.silent_until > 0
            absent.missed.clear()
            absent.close()


def test_it_is_ready_and_names_a_cache_that_takes_no_writes(
    anon_client: Client, store: CacheStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replica_proxy(settings.redis_url) as proxy:
        distant = CacheStore(proxy.url, store.prefix, store.seconds)
        monkeypatch.setattr(cache, "store", distant)
        states = [anon_client.get("/health/ready").json()["cache"]]
        proxy.replica = True
        states.append(anon_client.get("/health/ready").json()["cache"])
        distant.close()
    assert states == ["ok", "down"]
