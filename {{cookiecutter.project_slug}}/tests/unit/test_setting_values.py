"""Kinds of values of settings: how often something may be done in which time."""

import pytest
from limits import parse

from tests.unit.given import complaints, make

RATES = ["account_rate", "address_rate", "mail_rate"]
REFUSAL = "Value error, must be so many in a time, as in 10/5 minutes or 3/hour"

pytestmark = pytest.mark.usefixtures("no_environment")


class TestRates:
    def test_the_defaults(self) -> None:
        settings = make()
        assert [
            (parse(rate).amount, parse(rate).get_expiry()) for rate in (getattr(settings, name) for name in RATES)
        ] == [
            (10, 300),
            (100, 300),
            (3, 3600),
        ]

    @pytest.mark.parametrize("name", RATES)
    @pytest.mark.parametrize(
        ("rate", "amount", "seconds"),
        [
            ("1/second", 1, 1),
            ("10/5 minutes", 10, 300),
            ("10 per 5 minutes", 10, 300),
            ("3/HOUR", 3, 3600),
            (" 7 / 2 days ", 7, 2 * 24 * 3600),
            ("1000000/second", 1_000_000, 1),
        ],
    )
    def test_so_many_in_a_time_are_taken(self, name: str, rate: str, amount: int, seconds: int) -> None:
        taken = parse(getattr(make(**{name: rate}), name))
        assert (taken.amount, taken.get_expiry()) == (amount, seconds)

    @pytest.mark.parametrize("name", RATES)
    @pytest.mark.parametrize(
        "rate",
        [
            "",
            "10",
            "often",
            "0/minute",
            "-1/minute",
            "1.5/minute",
            "10/fortnight",
            "10/minute/hour",
            "/minute",
            # Only one of them would count.
            "10/minute; 100/hour",
            "10/minute, 100/hour",
        ],
    )
    def test_anything_else_is_refused_with_what_is_allowed(self, name: str, rate: str) -> None:
        assert complaints(**{name: rate}) == [((name,), REFUSAL)]
