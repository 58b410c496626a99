"""What production refuses to start with, each thing in a line of its own and all at once; and that only production does."""

from types import MappingProxyType
from typing import Any

import pytest

from app.settings import EXAMPLE_URL
from app.settings.production import EXAMPLE_SECRET, risks
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
        assert lines(secret_key="x" * 31) == [
            "SECRET_KEY has 31 characters other than spaces; production needs 32 or more"
        ]

    def test_one_of_32_characters_is_taken(self) -> None:
        assert make(environment="production", secret_key=SECRET).secret_key == SECRET

    @pytest.mark.parametrize("secret", [" " * 32, "\n" * 64, "x " * 31])
    def test_spaces_do_not_count(self, secret: str) -> None:
        (line,) = lines(secret_key=secret)
        assert line.endswith("characters other than spaces; production needs 32 or more")

    @pytest.mark.parametrize("secret", [f"{EXAMPLE_SECRET} ", f" {EXAMPLE_SECRET}", EXAMPLE_SECRET.replace(" ", "  ")])
    def test_that_of_the_example_with_other_spaces_is_refused(self, secret: str) -> None:
        assert lines(secret_key=secret, secret_key_fallbacks=[secret], metrics_token=secret) == [
            IN_USE,
            IN_USE.replace("SECRET_KEY", "Key 1 of SECRET_KEY_FALLBACKS"),
            IN_USE.replace("SECRET_KEY", "METRICS_TOKEN"),
        ]


class TestSecretKeyFallbacks:
    def test_each_that_is_wrong_is_told_by_its_place(self) -> None:
        assert lines(secret_key_fallbacks=[SECRET, "hunter2", EXAMPLE_SECRET]) == [
            "Key 2 of SECRET_KEY_FALLBACKS has 7 characters other than spaces; production needs 32 or more",
            "Key 3 of SECRET_KEY_FALLBACKS is the example's; production needs one of its own",
        ]

    def test_good_ones_are_taken(self) -> None:
        keys = (SECRET, SECRET * 3)
        assert make(environment="production", secret_key_fallbacks=keys).secret_key_fallbacks == keys


class TestMetricsToken:
    def test_a_short_one_is_refused_and_none_is_taken(self) -> None:
        assert lines(metrics_token="x" * 31) == [
            "METRICS_TOKEN has 31 characters other than spaces; production needs 32 or more"
        ]
        assert make(environment="production", metrics_token="").metrics_token == ""


class TestRisks:
    """What production starts with, and says in a line of the log."""

    SAFE = MappingProxyType(
        {"mail_url": "smtp://localhost", "public_url": "https://www.example.com", "metrics_token": SECRET}
    )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("secret_key", "x" * 32),
            ("mail_url", "console://"),
            ("public_url", "http://www.example.com"),
            ("public_url", "https://localhost"),
            ("public_url", "https://127.0.0.1:8000"),
            ("public_url", "https://[::1]"),
            ("trusted_hosts", ["api.example.com", "*"]),
            ("metrics_token", ""),
            # {% if cookiecutter.use_redis %}
            ("redis_url", "redis://redis:6379/0"),
            ("redis_url", "rediss://user@cache.example.com/0"),
            # {% endif %}
            # {% if cookiecutter.use_celery %}
            ("celery_broker_url", "redis://:password@first;redis://second"),
            # {% endif %}
        ],
    )
    def test_each_is_told_and_no_reason_to_stop(self, name: str, value: object) -> None:
        (risk,) = risks(make(environment="production", **{**self.SAFE, name: value}))
        assert risk.startswith(f"{name.upper()} ")

    def test_without_any_nothing_is_told(self) -> None:
        assert list(risks(make(environment="production", **self.SAFE))) == []


class TestDebug:
    def test_it_is_refused(self) -> None:
        assert lines(debug=True) == [DEBUG]


class TestProxies:
    @pytest.mark.parametrize(
        "networks",
        [
            ["0.0.0.0/0"],
            ["::/0"],
            ["0.0.0.0/1", "128.0.0.0/1"],
            ["128.0.0.0/1"],
            ["0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/3"],
            ["2000::/4"],
            ["2000::/5", "2800::/5"],
            ["::ffff:0:0/96"],
        ],
    )
    def test_half_of_the_internet_is_refused(self, networks: list[str]) -> None:
        assert lines(trusted_proxies=["10.0.0.1", *networks]) == [
            "TRUSTED_PROXIES names half of all addresses or more; production believes those of its proxies alone"
        ]

    @pytest.mark.parametrize("networks", [("10.0.0.0/8",), ("0.0.0.0/2", "0.0.0.0/2", "64.0.0.0/3"), ("fd00::/8",)])
    def test_less_is_taken(self, networks: tuple[str, ...]) -> None:
        assert make(environment="production", trusted_proxies=networks).trusted_proxies == networks


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
        fallback = "Key 1 of SECRET_KEY_FALLBACKS has 7 characters other than spaces; production needs 32 or more"
        found = lines(**UNSAFE)
        assert found == [IN_USE, fallback, DEBUG, ANY_SITE]
        assert "hunter2" not in "".join(found)

    @pytest.mark.parametrize("environment", ["development", "test"])
    def test_elsewhere_they_are_taken(self, environment: str) -> None:
        settings = make(environment=environment, **UNSAFE)
        assert (settings.secret_key, settings.debug) == (EXAMPLE_SECRET, True)

    def test_the_database_of_the_example_is_taken(self) -> None:
        assert make(environment="production", database_url=EXAMPLE_URL).environment == "production"
