"""What production refuses to start with, each thing in a line of its own and all at once; and that only production does."""

from typing import Any

import pytest

from app.production import EXAMPLE_SECRET, risks
from app.settings import EXAMPLE_URL
from tests.unit.given import SECRET, complaints, make

IN_USE = "SECRET_KEY is the example's; production needs one of its own"
DEBUG = "DEBUG is on; production shows nobody the inside of an error"
ANY_SITE = "CORS_ORIGINS has * and CORS_CREDENTIALS is on; production names the sites that act for those logged in"

pytestmark = pytest.mark.usefixtures("no_environment")


def lines(**values: Any) -> list[str]:
    ((where, message),) = complaints(**{"environment": "production"} | values)
    assert where == ()
    return message.removeprefix("Value error, ").split("\n")


class TestSecretKey:
    def test_that_of_the_example_is_refused(self) -> None:
        assert lines(secret_key=EXAMPLE_SECRET) == [IN_USE]

    def test_a_short_one_is_refused(self) -> None:
        assert lines(secret_key="x" * 31) == ["SECRET_KEY has 31 characters; production needs 32 or more"]

    def test_one_of_32_characters_is_taken(self) -> None:
        assert make(environment="production", secret_key="x" * 32).secret_key == "x" * 32


class TestSecretKeyFallbacks:
    def test_each_that_is_wrong_is_told_by_its_place(self) -> None:
        assert lines(secret_key_fallbacks=[SECRET, "hunter2", EXAMPLE_SECRET]) == [
            "Key 2 of SECRET_KEY_FALLBACKS has 7 characters; production needs 32 or more",
            "Key 3 of SECRET_KEY_FALLBACKS is the example's; production needs one of its own",
        ]

    def test_good_ones_are_taken(self) -> None:
        keys = ("x" * 32, "y" * 100)
        assert make(environment="production", secret_key_fallbacks=keys).secret_key_fallbacks == keys


class TestMetricsToken:
    def test_a_short_one_is_refused_and_none_is_taken(self) -> None:
        assert lines(metrics_token="x" * 31) == ["METRICS_TOKEN has 31 characters; production needs 32 or more"]
        assert make(environment="production", metrics_token="").metrics_token == ""


class TestMail:
    def test_that_of_the_console_is_a_risk_and_no_reason_to_stop(self) -> None:
        (risk,) = risks(make(environment="production", mail_url="console://"))
        assert risk.startswith("MAIL_URL is the console")
        assert list(risks(make(environment="production", mail_url="smtp://localhost"))) == []


class TestDebug:
    def test_it_is_refused(self) -> None:
        assert lines(debug=True) == [DEBUG]


class TestProxies:
    @pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
    def test_everybody_is_refused(self, network: str) -> None:
        assert lines(trusted_proxies=["10.0.0.1", network]) == [
            "TRUSTED_PROXIES names every address; production believes those of its proxies alone"
        ]

    def test_a_network_is_taken(self) -> None:
        assert make(environment="production", trusted_proxies=["10.0.0.0/8"]).trusted_proxies == ("10.0.0.0/8",)


class TestCrossOrigin:
    def test_any_site_with_credentials_is_refused(self) -> None:
        origins = ["https://www.example.com", "*"]
        assert lines(cors_origins=origins, cors_credentials=True) == [ANY_SITE]

    @pytest.mark.parametrize(
        ("origins", "credentials"), [(["*"], False), (["https://www.example.com"], True), ([], True)]
    )
    def test_either_alone_is_taken(self, origins: list[str], *, credentials: bool) -> None:
        settings = make(environment="production", cors_origins=origins, cors_credentials=credentials)
        assert (list(settings.cors_origins), settings.cors_credentials) == (origins, credentials)


UNSAFE = {
    "secret_key": EXAMPLE_SECRET,
    "secret_key_fallbacks": ["hunter2"],
    "debug": True,
    "cors_origins": ["*"],
    "cors_credentials": True,
}


class TestAll:
    def test_they_are_told_at_once_and_no_secret_with_them(self) -> None:
        fallback = "Key 1 of SECRET_KEY_FALLBACKS has 7 characters; production needs 32 or more"
        found = lines(**UNSAFE)
        assert found == [IN_USE, fallback, DEBUG, ANY_SITE]
        assert "hunter2" not in "".join(found)

    @pytest.mark.parametrize("environment", ["development", "test"])
    def test_elsewhere_they_are_taken(self, environment: str) -> None:
        settings = make(environment=environment, **UNSAFE)
        assert (settings.secret_key, settings.debug) == (EXAMPLE_SECRET, True)

    def test_the_database_of_the_example_is_taken(self) -> None:
        assert make(environment="production", database_url=EXAMPLE_URL).environment == "production"
