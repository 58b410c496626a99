"""429 on the routes by which passwords, tokens and mailboxes could be attacked."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.auth import sessions
from app.main import create_app
from app.models import RefreshToken, User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD, UserFactory
from tests.postbox import Postbox, token_in
from tests.rows import everything

if TYPE_CHECKING:
    from tests.throttling import PassTime, SetRates

Attempt = Callable[[Client, str], Response]
From = Callable[[str], Client]


def log_in(client: Client, name: str, password: str = PASSWORD) -> Response:
    return client.post("/auth/login", json={"email": f"{name}@example.com", "password": password})


def log_in_with_form(client: Client, name: str) -> Response:
    return client.post("/auth/token", data={"username": f"{name}@example.com", "password": PASSWORD})


def register(client: Client, name: str) -> Response:
    return client.post("/auth/register", json={"email": f"{name}@example.com", "name": "New", "password": "Password2"})


def refresh(client: Client, name: str) -> Response:
    return client.post("/auth/refresh", json={"refresh_token": name})


def reset(client: Client, name: str) -> Response:
    return client.post("/auth/password/reset", json={"token": name, "password": "Password2"})


each_way = pytest.mark.parametrize("attempt", [log_in, log_in_with_form, register, refresh, reset])


def is_refused(response: Response) -> bool:
    if response.status_code == 429:
        assert response.json() == {"detail": "Too many attempts; try again later"}
        assert 1 <= int(response.headers["Retry-After"]) <= 60
    return response.status_code == 429


@pytest.fixture
def client_at(running: TestClient, db: Session) -> From:
    """Return what makes a client with this address."""
    return lambda address: Client(running, db, address=address)


@pytest.fixture(autouse=True)
def rates(set_rates: "SetRates") -> None:
    set_rates(account_rate="2/minute", address_rate="3/minute")


@each_way
class TestEachWay:
    def test_an_account_may_be_tried_so_many_times_from_all_addresses(
        self, client_at: From, db: Session, user: User, pass_time: "PassTime", attempt: Attempt
    ) -> None:
        assert not is_refused(attempt(client_at("192.0.2.1"), "user"))
        pass_time(20)
        assert not is_refused(attempt(client_at("192.0.2.2"), "user"))
        before = everything(db)
        response = attempt(client_at("192.0.2.3"), "user")
        assert is_refused(response)
        assert everything(db) == before
        assert not is_refused(attempt(client_at("192.0.2.3"), "another"))
        wait = int(response.headers["Retry-After"])
        assert 30 < wait <= 40
        pass_time(wait)
        assert [is_refused(attempt(client_at("192.0.2.4"), "user")) for _ in range(2)] == [False, True]

    def test_an_address_may_try_so_many_times_and_then_uses_up_no_account(
        self, client_at: From, attempt: Attempt
    ) -> None:
        first, second = client_at("2001:db8:0:1::1"), client_at("2001:db8:0:1::2")
        assert [is_refused(attempt(first, name)) for name in "abcd"] == [False, False, False, True]
        assert all(is_refused(attempt(second, "user")) for _ in range(5))
        other = client_at("2001:db8:0:2::1")
        assert [is_refused(attempt(other, "user")) for _ in range(3)] == [False, False, True]


class TestLogIn:
    def test_right_and_wrong_known_and_unknown_count_alike(self, client_at: From, db: Session, user: User) -> None:
        tries = [("user", "wrong"), ("user", "wrong"), ("user", PASSWORD), ("user", "wrong")]
        known = [log_in(client_at("192.0.2.1"), *one) for one in tries]
        unknown = [log_in(client_at("192.0.2.2"), "nobody", password) for _, password in tries]
        assert [response.status_code for response in known] == [401, 401, 429, 429]
        for one, other in zip(known, unknown, strict=True):
            assert (one.status_code, one.json(), [*one.headers]) == (other.status_code, other.json(), [*other.headers])
        assert db.scalar(select(func.count()).select_from(RefreshToken)) == 0


class TestTokens:
    def test_a_refused_token_is_not_spent(
        self, client_at: From, db: Session, user: User, settings: Settings, postbox: Postbox
    ) -> None:
        client_at("192.0.2.1").post("/auth/password/forgot", json={"email": user.email})
        token = sessions.add_token(db, user, "family", settings)
        for attempt, good in ((refresh, token), (reset, token_in(postbox.mails[0]))):
            assert [is_refused(attempt(client_at("192.0.2.1"), name)) for name in "abc"] == [False, False, False]
            assert is_refused(attempt(client_at("192.0.2.1"), good))
            assert attempt(client_at("192.0.2.2"), good).status_code in {200, 204}

    def test_a_session_goes_on_as_often_as_its_address_may_try(
        self, anon_client: Client, db: Session, user: User, settings: Settings
    ) -> None:
        token = sessions.add_token(db, user, "family", settings)
        for _ in range(3):
            token = refresh(anon_client, token).json()["refresh_token"]
        assert is_refused(refresh(anon_client, token))


class TestNewEmail:
    def test_a_user_does_not_mail_to_one_address_after_the_other(
        self, client: Client, user: User, postbox: Postbox, set_rates: "SetRates"
    ) -> None:
        set_rates(mail_rate="3/minute")
        for number in range(3):
            assert client.patch("/users/me", json={"email": f"victim{number}@example.com"}).status_code == 200
        mailed = len(postbox.mails)
        for path in ("/users/me", f"/users/{user.id}"):
            assert is_refused(client.patch(path, json={"email": "victim3@example.com", "name": "New"}))
        assert (user.email, user.name, len(postbox.mails)) == ("victim2@example.com", "User", mailed)
        assert client.patch("/users/me", json={"email": user.email, "name": "New"}).status_code == 200

    def test_an_admin_changes_those_of_many(self, admin_client: Client, set_rates: "SetRates") -> None:
        set_rates(mail_rate="3/minute")
        for user in UserFactory.create_batch(5):
            assert admin_client.patch(f"/users/{user.id}", json={"email": f"new-{user.email}"}).status_code == 200


def test_each_application_has_its_own_rates_and_counts(
    running: TestClient, db: Session, anon_client: Client, user: User, settings: Settings
) -> None:
    other = TestClient(create_app(settings.model_copy(update={"account_rate": "1/minute"})))
    # In the event loop that runs already: to start and stop it would close the connections of this one.
    other.portal = running.portal
    assert [log_in(Client(other, db), "user").status_code for _ in range(2)] == [200, 429]
    assert [log_in(anon_client, "user").status_code for _ in range(3)] == [200, 200, 429]
