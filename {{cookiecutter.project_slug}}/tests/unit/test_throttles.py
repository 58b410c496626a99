"""Who counts as one client, and which rate counts for what."""

import asyncio

import pytest
from starlette.requests import Request

from app.api.errors import TooManyRequests
from app.main import app
from app.rate_limiting.buckets import Buckets
from app.rate_limiting.throttles import NOWHERE, Throttle, get_throttle, place_of
from app.settings import Settings
from tests.unit.given import make


class TestPlaceOf:
    @pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "testclient", "_hidden", "unknown"])
    def test_an_address_is_a_place_of_its_own_and_so_is_what_is_none(self, address: str) -> None:
        assert place_of(address) == address

    @pytest.mark.parametrize(
        "address",
        ["2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:DB8::1:0:0:0:2", "2001:db8:0:1::1%eth0"],
    )
    def test_the_addresses_of_a_network_are_one_place(self, address: str) -> None:
        assert place_of(address) == place_of("2001:db8:0:1::")

    @pytest.mark.parametrize("address", ["2001:db8:0:2::1", "2001:db8::1", "3001:db8:0:1::1"])
    def test_those_of_another_network_are_another(self, address: str) -> None:
        assert place_of(address) != place_of("2001:db8:0:1::")

    def test_ipv4_is_the_same_on_a_server_that_listens_on_both_kinds(self) -> None:
        assert place_of("::ffff:192.0.2.1") == place_of("192.0.2.1") != place_of("::ffff:192.0.2.2")

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_without_an_address_all_are_in_one_place(self, nothing: str | None) -> None:
        assert place_of(nothing) == NOWHERE


def test_a_request_by_a_socket_of_the_machine_has_no_address() -> None:
    throttle = asyncio.run(get_throttle(Request({"type": "http", "app": app, "client": None})))
    assert throttle.place == NOWHERE


class TestThrottle:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(
            update={"address_rate": "5/minute", "account_rate": "4/minute", "mail_rate": "2/hour"}
        )

    @pytest.fixture
    def throttle(self, settings: Settings) -> Throttle:
        return Throttle(Buckets(settings), settings, "192.0.2.1")

    def test_mail_has_a_rate_of_its_own(self, throttle: Throttle) -> None:
        for _ in range(2):
            throttle.mail("password-forgot", "ada@example.com")
        with pytest.raises(TooManyRequests) as refused:
            throttle.mail("password-forgot", " Ada@Example.com ")
        assert refused.value.headers == {"Retry-After": "3600"}
        throttle.mail("email-verify", "ada@example.com")
        throttle.attempt("login", "ada@example.com")

    def test_an_address_may_have_so_many_mails_sent_as_it_may_try(self, throttle: Throttle) -> None:
        for number in range(5):
            throttle.mail("password-forgot", f"user{number}@example.com")
        with pytest.raises(TooManyRequests) as refused:
            throttle.mail("password-forgot", "user5@example.com")
        assert refused.value.headers == {"Retry-After": "60"}

    def test_an_attempt_has_the_rate_of_accounts(self, throttle: Throttle) -> None:
        for _ in range(4):
            throttle.attempt("login", "ada@example.com")
        with pytest.raises(TooManyRequests) as refused:
            throttle.attempt("login", "ada@example.com")
        assert refused.value.headers == {"Retry-After": "60"}

    @pytest.mark.usefixtures("no_environment")
    def test_by_default_an_account_is_tried_ten_times_and_an_address_tries_a_hundred_times(self) -> None:
        settings = make()
        throttle = Throttle(Buckets(settings), settings, "192.0.2.1")
        for number in range(90):
            throttle.attempt("login", f"user{number}@example.com")
        for _ in range(10):
            throttle.attempt("login", "ada@example.com")
        for place in ("192.0.2.1", "192.0.2.2"):
            with pytest.raises(TooManyRequests) as refused:
                Throttle(throttle.counted, settings, place).attempt("login", "ada@example.com")
            assert refused.value.headers == {"Retry-After": "300"}
        Throttle(throttle.counted, settings, "192.0.2.2").attempt("login", "user1@example.com")
        with pytest.raises(TooManyRequests):
            throttle.attempt("login", "user1@example.com")
