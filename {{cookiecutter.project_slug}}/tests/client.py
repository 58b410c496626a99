"""The HTTP client of the tests."""

from collections import defaultdict
from typing import Any

from httpx2 import Response
from sqlalchemy import inspect, select, tuple_
from sqlalchemy.orm import Session
from starlette.testclient import TestClient


class Client(TestClient):
    """Keeps the test's session and the requests' sessions in step, which share one transaction but no objects."""

    def __init__(
        self,
        running: TestClient,
        db: Session,
        token: str | None = None,
        *,
        raise_server_exceptions: bool = True,
        address: str = "testclient",
    ) -> None:
        super().__init__(
            running.app,
            raise_server_exceptions=raise_server_exceptions,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            client=(address, 50000),
        )
        # The event loop that already runs: starting one for each request takes longer than most requests.
        self.portal = running.portal
        self.db = db

    def request(self, method: str, *args: Any, **kwargs: Any) -> Response:
        self.db.flush()
        try:
            return super().request(method, *args, **kwargs)
        finally:
            if method != "GET":
                self.let_go_of_deleted()
            self.expire_held()

    def let_go_of_deleted(self) -> None:
        """Detach, with the values they had, the objects whose rows the request deleted."""
        held: defaultdict[Any, dict[Any, object]] = defaultdict(dict)
        for thing in self.db.identity_map.values():
            held[inspect(thing).mapper][inspect(thing).identity] = thing
        for mapper, things in held.items():
            key = mapper.primary_key
            left = {tuple(row) for row in self.db.execute(select(*key).where(tuple_(*key).in_(things)))}
            for identity, thing in things.items():
                if identity not in left and thing in self.db:
                    self.db.expunge(thing)

    def expire_held(self) -> None:
        """Let what the test holds be read anew when it is next looked at; keys do not change."""
        for thing in self.db.identity_map.values():
            mapper = inspect(thing).mapper
            keys = {mapper.get_property_by_column(column).key for column in mapper.primary_key}
            self.db.expire(thing, [one.key for one in mapper.attrs if one.key not in keys])
