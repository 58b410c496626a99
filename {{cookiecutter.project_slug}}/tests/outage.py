"""A way to Redis that can be cut or fall silent. A plugin, see `addopts`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from tests.proxy import Proxy, proxy_to

if TYPE_CHECKING:
    # Plugins are imported before the settings have their environment.
    from app.cache.cache_store import CacheStore
    from app.settings import Settings

REDIS_PORT = 6379
DEADLINE = 10


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    with proxy_to(settings.redis_url, REDIS_PORT) as proxy:
        yield proxy
        assert not proxy.outlasted, "the application waits for an answer as long as it takes"


@pytest.fixture
def distant(store: CacheStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheStore]:
    """The application's cache with the same values, but with the proxy on the way to it."""
    distant = type(store)(proxy.url, store.prefix, store.milliseconds // 1000)
    monkeypatch.setattr("app.cache.store", distant)
    yield distant
    distant.redis.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < deadline, "it does not come to that"
        sleep(0.01)
