"""Bodies that are sent slowly, or never finished, and many large ones at a time."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from app.auth.tokens import issue_access_token
from app.middleware.body_limit import SMALL
from app.models import User
from app.settings import Settings
from tests.client import Client
from tests.pieces import Pieces

JSON = {"Content-Type": "application/json"}
LARGE = JSON | {"Content-Length": str(SMALL + 1)}
SECONDS = 0.3
TOO_SLOW = {"detail": "The body did not arrive in time"}

Sender = Callable[..., Client]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, client_with: Callable[..., Client]) -> Client:
    """A client of an application that waits for a body for a moment, and reads two large ones at a time."""
    monkeypatch.setattr("app.middleware.body_limit.LARGE_BODIES", 2)
    return client_with(request_body_seconds=SECONDS)


@pytest.fixture
def sender(impatient: Client, db: Session, settings: Settings) -> Sender:
    """Return what makes a client of a user, of that application, at an address of its own or the one given."""
    return lambda user, address=None: Client(
        impatient, db, issue_access_token(user, settings), address=address or f"client-{user.id}"
    )


def unfinished(client: Client) -> Pieces:
    return Pieces(client, "POST", "/posts", LARGE, iter([b"{"]))


def post(client: Client, title: str = "x") -> int:
    return client.post("/posts", json={"title": title, "body": "x" * SMALL, "slug": title}).status_code


class TestDeadline:
    @pytest.mark.parametrize("pieces", [[], [b"{"]], ids=["nothing", "something"])
    @pytest.mark.parametrize("path", ["/auth/login", "/auth/token"])
    def test_an_unfinished_body_is_a_408_that_closes_the_connection(
        self, impatient: Client, path: str, pieces: list[bytes]
    ) -> None:
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if path.endswith("token") else JSON
        request = Pieces(impatient, "POST", path, kind, iter(pieces))
        assert request.request() == (408, TOO_SLOW)
        assert (request.read, request.headers["connection"]) == (len(pieces), "close")

    def test_it_counts_against_the_address(self, client_with: Callable[..., Client]) -> None:
        client = client_with(request_body_seconds=0.01, address_rate="1/minute")
        statuses = [Pieces(client, "POST", "/auth/login", JSON, iter([])).request()[0] for _ in range(2)]
        assert statuses == [408, 429]


class TestManyLargeBodies:
    def test_a_user_sends_one_at_a_time_and_others_are_not_held_up(
        self, sender: Sender, user: User, other_user: User
    ) -> None:
        requests = [unfinished(sender(user)) for _ in range(3)]
        futures = [request.begin() for request in requests]
        assert post(sender(other_user)) == 201
        assert [request.read for request in requests] == [1, 0, 0]
        for future in futures:
            future.result()
        assert {request.answer[0]["status"] for request in requests} <= {408, 429}
        assert post(sender(user), "y") == 201

    def test_an_address_sends_a_few_at_a_time_and_others_are_not_held_up(
        self, sender: Sender, user: User, other_user: User, admin: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.middleware.body_limit.LARGE_BODIES_OF_ADDRESS", 1)
        requests = [unfinished(sender(one, "shared")) for one in (user, other_user)]
        futures = [request.begin() for request in requests]
        assert post(sender(admin)) == 201
        assert [request.read for request in requests] == [1, 0]
        for future in futures:
            future.result()
        assert post(sender(admin, "shared"), "y") == 201

    def test_all_users_send_a_few_at_a_time_and_small_ones_are_not_held_up(
        self, sender: Sender, user: User, other_user: User, admin: User
    ) -> None:
        requests = [unfinished(sender(one)) for one in (user, other_user, admin)]
        futures = [request.begin() for request in requests]
        assert sender(admin).patch("/users/me", json={"name": "New"}).status_code == 200
        assert [request.read for request in requests] == [1, 1, 0]
        for future in futures:
            future.result()
        assert post(sender(admin)) == 201
