"""429 on the routes by which passwords and tokens could be tried: whom it stops, for how long, and whom it does not."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth import sessions
from app.auth.tokens import hash_opaque_token
from app.database import Base
from app.main import create_app
from app.models import RefreshToken, User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from tests.throttling import PassTime, SetRates

Attempt = Callable[[Client, str], Response]
From = Callable[[str], Client]
TOO_MANY = {"detail": "Too many attempts; try again later"}
OLD, NEW = "192.0.2.1", "192.0.2.2"


def log_in(client: Client, name: str, password: str = PASSWORD) -> Response:
    return client.post("/auth/login", json={"email": f"{name}@example.com", "password": password})


def log_in_with_form(client: Client, name: str) -> Response:
    return client.post("/auth/token", data={"username": f"{name}@example.com", "password": PASSWORD})


def register(client: Client, name: str) -> Response:
    return client.post("/auth/register", json={"email": f"{name}@example.com", "name": "New", "password": "Password2"})


def refresh(client: Client, name: str) -> Response:
    return client.post("/auth/refresh", json={"refresh_token": name})


each_way = pytest.mark.parametrize("attempt", [log_in, log_in_with_form, register, refresh])


def rows(db: Session) -> list[Any]:
    return [db.execute(select(table).order_by(*table.primary_key)).all() for table in Base.metadata.sorted_tables]


def assert_refused(response: Response, window: int = 60) -> None:
    assert (response.status_code, response.json()) == (429, TOO_MANY)
    assert 1 <= int(response.headers["Retry-After"]) <= window


def is_refused(response: Response) -> bool:
    if response.status_code == 429:
        assert_refused(response)
    return response.status_code == 429


@pytest.fixture
def client_at(running: TestClient, db: Session) -> From:
    """Return what makes a client with the address that is named."""
    return lambda address: Client(running, db, address=address)


@pytest.fixture
def of_account(set_rates: "SetRates") -> None:
    set_rates(account_rate="2/minute", address_rate="1000/minute")


@pytest.fixture
def of_address(set_rates: "SetRates") -> None:
    set_rates(account_rate="2/minute", address_rate="3/minute")


@each_way
@pytest.mark.usefixtures("of_account")
class TestAccount:
    def test_it_may_be_tried_so_many_times(
        self, anon_client: Client, db: Session, user: User, attempt: Attempt
    ) -> None:
        assert [is_refused(attempt(anon_client, "user")) for _ in range(2)] == [False, False]
        before = rows(db)
        for _ in range(2):
            assert_refused(attempt(anon_client, "user"))
        assert rows(db) == before

    def test_another_may_be_tried_from_the_same_address(self, anon_client: Client, attempt: Attempt) -> None:
        for name in ("first", "second"):
            assert [is_refused(attempt(anon_client, name)) for _ in range(3)] == [False, False, True]

    def test_it_may_not_be_tried_from_another_address_instead(self, client_at: From, attempt: Attempt) -> None:
        assert [is_refused(attempt(client_at(OLD), "user")) for _ in range(3)] == [False, False, True]
        assert is_refused(attempt(client_at(NEW), "user"))

    def test_whoever_has_waited_as_told_may_try_again(
        self, anon_client: Client, pass_time: "PassTime", attempt: Attempt
    ) -> None:
        attempt(anon_client, "user")
        pass_time(20)
        attempt(anon_client, "user")
        refused = attempt(anon_client, "user")
        wait = int(refused.headers["Retry-After"])
        assert 30 < wait <= 40
        pass_time(wait)
        # One place is free by then, and the other is not.
        assert [is_refused(attempt(anon_client, "user")) for _ in range(2)] == [False, True]

    def test_a_stranger_who_goes_on_makes_nobody_wait_longer(
        self, client_at: From, pass_time: "PassTime", attempt: Attempt
    ) -> None:
        stranger, owner = client_at(OLD), client_at(NEW)
        for _ in range(2):
            attempt(stranger, "user")
        for _ in range(5):
            pass_time(10)
            assert is_refused(attempt(stranger, "user"))
        assert is_refused(attempt(owner, "user"))
        pass_time(10)
        assert [is_refused(attempt(owner, "user")) for _ in range(2)] == [False, False]


@each_way
@pytest.mark.usefixtures("of_address")
class TestAddress:
    def test_from_one_address_so_many_attempts_are_taken(
        self, anon_client: Client, db: Session, user: User, attempt: Attempt
    ) -> None:
        assert [is_refused(attempt(anon_client, name)) for name in ("a", "b", "c")] == [False] * 3
        before = rows(db)
        for name in ("user", "a", "d"):
            assert_refused(attempt(anon_client, name))
        assert rows(db) == before

    def test_others_go_on(self, client_at: From, attempt: Attempt) -> None:
        for name in "abcd":
            attempt(client_at(OLD), name)
        assert is_refused(attempt(client_at(OLD), "user"))
        assert not is_refused(attempt(client_at(NEW), "user"))

    def test_a_refused_address_takes_nothing_from_an_account(self, client_at: From, attempt: Attempt) -> None:
        for name in "abc":
            attempt(client_at(OLD), name)
        assert all(is_refused(attempt(client_at(OLD), "user")) for _ in range(5))
        assert [is_refused(attempt(client_at(NEW), "user")) for _ in range(3)] == [False, False, True]

    def test_it_may_go_on_after_the_window(self, anon_client: Client, pass_time: "PassTime", attempt: Attempt) -> None:
        for name in "abcde":
            attempt(anon_client, name)
        pass_time(60)
        assert [is_refused(attempt(anon_client, name)) for name in "abcd"] == [False, False, False, True]

    def test_a_network_of_ipv6_is_one_address(self, client_at: From, attempt: Attempt) -> None:
        addresses = [f"2001:db8:0:1::{number}" for number in range(1, 5)]
        refused = [is_refused(attempt(client_at(address), address[-1])) for address in addresses]
        assert refused == [False, False, False, True]
        assert not is_refused(attempt(client_at("2001:db8:0:2::1"), "5"))


@pytest.mark.usefixtures("of_account")
class TestLogIn:
    def test_a_right_password_is_refused_like_a_wrong_one(self, anon_client: Client, db: Session, user: User) -> None:
        for _ in range(2):
            assert log_in(anon_client, "user", "wrong").status_code == 401
        assert_refused(log_in(anon_client, "user"))
        assert_refused(log_in(anon_client, "user", "wrong"))
        assert db.scalars(select(RefreshToken)).all() == []

    def test_a_right_one_counts_like_a_wrong_one(self, anon_client: Client, db: Session, user: User) -> None:
        assert [log_in(anon_client, "user").status_code for _ in range(3)] == [200, 200, 429]
        assert len(db.scalars(select(RefreshToken)).all()) == 2

    def test_that_nobody_has_an_address_shows_in_nothing(self, anon_client: Client, user: User) -> None:
        known, unknown = ([log_in(anon_client, name, "wrong") for _ in range(3)] for name in ("user", "nobody"))
        assert [one.status_code for one in known] == [401, 401, 429]
        for one, other in zip(known, unknown, strict=True):
            assert (one.status_code, one.json(), [*one.headers]) == (other.status_code, other.json(), [*other.headers])

    def test_the_form_is_no_second_way_to_try(self, anon_client: Client, user: User) -> None:
        log_in(anon_client, "user")
        log_in_with_form(anon_client, "user")
        assert_refused(log_in(anon_client, "user"))
        assert_refused(log_in_with_form(anon_client, "user"))

    def test_nor_is_another_way_to_write_the_address(self, anon_client: Client, user: User) -> None:
        log_in(anon_client, "User")
        log_in_with_form(anon_client, " USER")
        for name in ("\tuSer", "user", "USER"):
            assert_refused(log_in_with_form(anon_client, name))
        assert_refused(log_in(anon_client, "USER"))

    def test_who_may_not_register_may_log_in(self, anon_client: Client, user: User) -> None:
        assert [register(anon_client, "user").status_code for _ in range(3)] == [409, 409, 429]
        assert log_in(anon_client, "user").status_code == 200

    def test_a_body_that_is_refused_does_not_count(self, anon_client: Client, user: User) -> None:
        for _ in range(3):
            assert anon_client.post("/auth/login", json={"email": "user@example.com"}).status_code == 422
        assert log_in(anon_client, "user").status_code == 200

    def test_no_password_is_hashed_for_a_refusal(
        self, anon_client: Client, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            pytest.fail("a password is hashed")

        ways = (log_in, log_in_with_form, register)
        for way in ways:
            assert [way(anon_client, "user").status_code for _ in range(3)][-1] == 429
        monkeypatch.setattr("app.auth.service.verify_password", fail)
        monkeypatch.setattr("app.auth.accounts.hash_password", fail)
        for way in ways:
            assert_refused(way(anon_client, "user"))


@pytest.mark.usefixtures("of_address")
class TestRefresh:
    def test_a_token_that_was_refused_is_good_afterwards(
        self, anon_client: Client, db: Session, user: User, settings: Settings, pass_time: "PassTime"
    ) -> None:
        token = sessions.add_token(db, user, "family", settings)
        for name in "abc":
            assert refresh(anon_client, name).status_code == 401
        assert_refused(refresh(anon_client, token))
        row = db.scalars(select(RefreshToken).where(RefreshToken.token_hash == hash_opaque_token(token))).one()
        assert (row.spent_at, row.revoked_at) == (None, None)
        pass_time(60)
        assert refresh(anon_client, token).status_code == 200

    def test_a_session_may_go_on_for_as_long_as_its_address_may(
        self, anon_client: Client, db: Session, user: User, settings: Settings
    ) -> None:
        token = sessions.add_token(db, user, "family", settings)
        # More often than one account may be tried: a client that behaves has another token each time.
        for _ in range(3):
            token = refresh(anon_client, token).json()["refresh_token"]
        assert_refused(refresh(anon_client, token))


class TestApplications:
    @pytest.fixture
    def other(self, settings: Settings, running: TestClient, db: Session) -> Client:
        """A client of another application in the same process, with other rates."""
        stricter = TestClient(create_app(settings.model_copy(update={"account_rate": "1/hour"})))
        # In the event loop that runs already: to start and stop it would close the connections of this one.
        stricter.portal = running.portal
        return Client(stricter, db)

    def test_each_has_the_rates_of_its_settings(
        self, anon_client: Client, other: Client, user: User, set_rates: "SetRates"
    ) -> None:
        set_rates(account_rate="3/minute")
        assert log_in(other, "user").status_code == 200
        assert_refused(log_in(other, "user"), window=3600)
        assert [log_in(anon_client, "user").status_code for _ in range(4)] == [200, 200, 200, 429]
