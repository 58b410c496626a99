"""Settings that production refuses, a line for each and all at once, and those that it warns of."""

from types import MappingProxyType
from typing import Any

import pytest

from app.settings import EXAMPLE_URL
from app.settings.production import EXAMPLE_SECRET, risks
from tests.unit.given import SECRET, complaints, make

EXAMPLE = "SECRET_KEY is the one of .env.example; production needs a secret of its own"
SHORT = "SECRET_KEY has 7 characters other than spaces; production needs 32 or more"
FALLBACK = "Key 1 of SECRET_KEY_FALLBACKS"
DEBUG = "DEBUG is on; production must not show tracebacks to clients"
ANY_SITE = "CORS_ORIGINS has * and CORS_CREDENTIALS is on; production must name the sites that may send cookies"
PROXIES = "TRUSTED_PROXIES covers half of all addresses or more; production must trust only its own proxies"
UNSAFE = {
    "secret_key": "hunter2",
    "secret_key_fallbacks": ["hunter2"],
    "metrics_token": "hunter2",
    "debug": True,
    "cors_origins": ["*"],
    "cors_credentials": True,
    "trusted_proxies": ["0.0.0.0/0"],
}
SAFE = MappingProxyType(
    {
        "environment": "production",
        "mail_url": "smtp://localhost",
        "public_url": "https://www.example.com",
        "metrics_token": SECRET,
    }
)

pytestmark = pytest.mark.usefixtures("no_environment")


def lines(**values: Any) -> list[str]:
    ((where, message),) = complaints(**{"environment": "production"} | values)
    assert where == ()
    return message.removeprefix("Value error, ").split("\n")


class TestRefused:
    def test_all_are_named_at_once_and_no_secret_with_them(self) -> None:
        keys = [SHORT.replace("SECRET_KEY", name) for name in ("SECRET_KEY", FALLBACK, "METRICS_TOKEN")]
        assert lines(**UNSAFE) == [*keys, DEBUG, ANY_SITE, PROXIES]

    @pytest.mark.parametrize("environment", ["development", "test"])
    def test_elsewhere_they_are_accepted(self, environment: str) -> None:
        assert make(environment=environment, **UNSAFE).debug

    @pytest.mark.parametrize("secret", [EXAMPLE_SECRET, f" {EXAMPLE_SECRET}\n", EXAMPLE_SECRET.replace(" ", "  ")])
    def test_the_secret_of_the_example_is_refused_however_it_is_spaced(self, secret: str) -> None:
        names = ("SECRET_KEY", FALLBACK, "METRICS_TOKEN")
        assert lines(secret_key=secret, secret_key_fallbacks=[secret], metrics_token=secret) == [
            EXAMPLE.replace("SECRET_KEY", name) for name in names
        ]

    @pytest.mark.parametrize(("secret", "length"), [("x" * 31, 31), (" " * 32, 0), ("\n" * 64, 0), ("x " * 31, 31)])
    def test_spaces_do_not_lengthen_a_secret(self, secret: str, length: int) -> None:
        assert lines(secret_key=secret) == [SHORT.replace("7", str(length))]

    @pytest.mark.parametrize(
        "networks",
        [
            ["::/0"],
            ["0.0.0.0/1", "128.0.0.0/1"],
            ["128.0.0.0/1"],
            ["0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/3"],
            ["2000::/4"],
            ["2000::/5", "2800::/5"],
            ["::ffff:0:0/96"],
        ],
    )
    def test_proxies_that_cover_half_of_the_internet_are_refused(self, networks: list[str]) -> None:
        assert lines(trusted_proxies=["10.0.0.1", *networks]) == [PROXIES]


@pytest.mark.parametrize(
    "values",
    [
        {"secret_key_fallbacks": [SECRET, SECRET * 3]},
        {"metrics_token": ""},
        {"database_url": EXAMPLE_URL},
        {"trusted_proxies": ["10.0.0.0/8", "fd00::/8"]},
        {"trusted_proxies": ["0.0.0.0/2", "0.0.0.0/2", "64.0.0.0/3"]},
        {"cors_origins": ["*"]},
        {"cors_origins": ["https://www.example.com"], "cors_credentials": True},
    ],
)
def test_production_accepts(values: dict[str, Any]) -> None:
    assert make(environment="production", **values).environment == "production"


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
def test_production_warns_of_a_risk(name: str, value: object) -> None:
    assert list(risks(make(**SAFE))) == []
    (risk,) = risks(make(**{**SAFE, name: value}))
    assert risk.startswith(f"{name.upper()} ")
