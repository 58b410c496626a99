"""A part of Redis for each test, so that none sees what another has cached. A plugin, see `addopts`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    # Plugins are imported before the settings have their environment, and before coverage is measured.
    from app.cache.cache_store import CacheStore
    from app.models import Post, User
    from tests.client import Client

SECONDS_FOR_AN_ANSWER = 10
numbers = count(1)


@pytest.fixture(scope="session", autouse=True)
def patient_cache() -> None:
    """Give Redis more time than in production: a busy machine is no outage."""
    from app.cache import store  # noqa: PLC0415 - as above
    from app.main import app  # noqa: PLC0415 - as above

    for redis in (store.redis, app.state.rate_limits.storage.storage):
        redis.connection_pool.connection_kwargs["socket_timeout"] = SECONDS_FOR_AN_ANSWER


@pytest.fixture(scope="session", autouse=True)
def invalidate_what_tests_write() -> None:
    """Invalidate at once what a test changes through `db`: it never commits, yet requests see it."""
    from app import cache  # noqa: PLC0415 - as above
    from app.cache import SHOWN  # noqa: PLC0415 - as above
    from tests.factories import current_session  # noqa: PLC0415 - as above

    @event.listens_for(Session, "after_flush")
    def invalidate(db: Session, _context: object) -> None:
        written = [row for row in (*db.dirty, *db.deleted) if isinstance(row, SHOWN)]
        if db is current_session.session and written:
            cache.store.invalidate(*(cache.key_of(type(row), row.id) for row in written))


@pytest.fixture(autouse=True)
def store() -> Iterator[CacheStore]:
    """The cache of the application, with nothing in it."""
    from app.cache import store  # noqa: PLC0415 - as above

    prefix = store.prefix
    store.prefix = f"{prefix}:{next(numbers)}"
    yield store
    store.prefix = prefix
    store.missed_invalidation, store.paused_until = False, 0.0


def stored(store: CacheStore) -> dict[str, bytes]:
    """Return all values in Redis of this test, by the keys without the test's prefix."""
    names = list(store.redis.scan_iter(f"{store.prefix}:*:*", count=1000))
    entries: list[bytes] = store.redis.mget(names) if names else []
    values = {
        name.decode().removeprefix(f"{store.prefix}:"): entry.partition(b":")[2]
        for name, entry in zip(names, entries, strict=True)
    }
    return {key: value for key, value in values.items() if not value.startswith(b"lease ")}


def read(client: Client, row: Post | User) -> tuple[str, Any]:
    """Return where the answer came from, and the answer."""
    response = client.get(f"/{row.__tablename__}/{row.id}")
    assert response.status_code == 200
    return response.headers["X-Cache"], response.json()


def warm_up(client: Client, *rows: Post | User) -> None:
    for row in rows:
        assert [read(client, row)[0] for _ in range(2)] == ["MISS", "HIT"]
