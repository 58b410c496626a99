"""Clients that read at full rate while Redis goes and comes back: each answer is good, and none is old."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.cache import cache_store
from app.database import SessionLocal
from app.models import Post, PostStatus, User
from app.settings import Settings
from tests.committed import add_users
from tests.outage import until
from tests.proxy import Proxy, Way

ANSWERS = 3
WAYS = (Way.OPEN, Way.CUT, Way.OPEN, Way.SILENT, Way.OPEN, Way.CUT, Way.SILENT, Way.OPEN)


class Reader(Thread):
    """Reads as fast as it can, and notes what was wrong, and where the last answer came from."""

    def __init__(self, server: TestClient, path: str, stop: Event, newest: Callable[[], int]) -> None:
        super().__init__()
        self.server, self.path, self.stop, self.newest = server, path, stop, newest
        self.wrong: list[Any] = []
        self.answers = 0
        self.hits = 0

    def run(self) -> None:
        while not self.stop.is_set():
            least = self.newest()
            response = self.server.get(self.path)
            if response.status_code != 200 or int(response.json()["title"]) < least:
                self.wrong.append((response.status_code, response.text, least))
            self.answers += 1
            self.hits += response.headers.get("X-Cache") == "HIT"

    def go_on(self, *, hit: bool) -> None:
        """Wait for a few answers more, and one out of the cache."""
        answers, hits = self.answers + ANSWERS, self.hits + hit
        until(lambda: self.answers >= answers and self.hits >= hits)


@pytest.mark.slow
@pytest.mark.usefixtures("distant")
def test_clients_at_full_rate_notice_no_outage(
    server: TestClient, settings: Settings, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_store, "PAUSE_SECONDS", 0.1)
    # Whoever was cut off has a lease that nobody else gets meanwhile.
    monkeypatch.setattr(cache_store, "LEASE_SECONDS", 1)
    (headers,) = add_users(settings, "user@example.com")
    with SessionLocal.begin() as db:
        author_id = db.scalars(select(User.id)).one()
        post = Post(title="0", body="Body", slug="slug", status=PostStatus.PUBLISHED, author_id=author_id)
        db.add(post)
    written, stop = [0], Event()
    readers = [Reader(server, f"/posts/{post.id}", stop, lambda: written[-1]) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for way in WAYS:
            proxy.way = way
            title = str(len(written))
            assert server.patch(f"/posts/{post.id}", json={"title": title}, headers=headers).status_code == 200
            written.append(int(title))
            for reader in readers:
                reader.go_on(hit=way is Way.OPEN)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert [reader.wrong for reader in readers] == [[], [], []]
