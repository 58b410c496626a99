"""Settings: what is accepted, what is refused in which words, and what an error must not reveal."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from app import engines
from app.database import engine_options
from app.settings import EXAMPLE_URL, Settings
from app.settings.production import EXAMPLE_SECRET
from tests.unit.given import SECRET, URL, complaints, make, refusal

EXAMPLE = Path(__file__).parents[2] / ".env.example"
# An option of every driver, under its own name.
OPTION = "{{ cookiecutter.__connect_timeout }}"
ENGINE = engines.CURRENT.DRIVER.partition("+")[0]
LIMITS = [
    ("access_token_minutes", 1, 1440),
    ("refresh_token_days", 1, 365),
    ("request_threads", 1, 200),
    ("hsts_seconds", 0, 63_072_000),
    ("request_max_bytes", 1_000, 100_000_000),
    ("request_body_seconds", 1, 3_600),
]

pytestmark = pytest.mark.usefixtures("no_environment")


class TestValues:
    def test_two_are_required(self) -> None:
        with pytest.raises(ValidationError) as refused:
            Settings()
        assert [(error["loc"], error["type"]) for error in refused.value.errors()] == [
            (("database_url",), "missing"),
            (("secret_key",), "missing"),
        ]

    def test_the_environment_takes_precedence_over_the_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        Path(tmp_path, ".env").write_text("LOG_LEVEL=ERROR\nREFRESH_TOKEN_DAYS=3\nOTHERS_SETTING=1\n", "utf-8")
        monkeypatch.setenv("LOG_LEVEL", "DEBUG")
        settings = make()
        assert (settings.log_level, settings.refresh_token_days, settings.access_token_minutes) == ("DEBUG", 3, 15)
        with pytest.raises(ValidationError, match="frozen"):
            settings.log_level = "INFO"  # type: ignore[misc] # what is tested

    @pytest.mark.parametrize(("name", "least", "most"), LIMITS)
    def test_numbers_have_limits(self, name: str, least: int, most: int) -> None:
        assert [getattr(make(**{name: value}), name) for value in (least, most)] == [least, most]
        for value in (least - 1, most + 1, "many", "", 1.5):
            assert [where for where, _ in complaints(**{name: value})] == [(name,)]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("log_level", "info"),
            ("environment", "staging"),
            ("environment", ""),
            ("debug", ""),
            ("cors_credentials", "maybe"),
            ("secret_key", ""),
            ("mail_from", "nobody"),
            ("mail_url", ""),
            ("mail_url", "host"),
            ("mail_url", "http://user@host"),
            ("mail_url", "smtp://host:65536"),
            ("mail_url", "smtp://[::1"),
            ("public_url", ""),
            ("public_url", "www.example.com"),
            ("breached_passwords_url", "ftp://example.com"),
        ],
    )
    def test_another_value_is_refused(self, name: str, value: str) -> None:
        assert [where for where, _ in complaints(**{name: value})] == [(name,)]

    @pytest.mark.parametrize("name", ["account_rate", "address_rate", "mail_rate"])
    def test_a_rate_is_a_number_of_times_per_period(self, name: str) -> None:
        for rate in ("1/second", "10 per 5 minutes", "3/HOUR", " 7 / 2 days "):
            assert getattr(make(**{name: rate}), name) == rate
        message = "Value error, must be a number of times per period, as in 10/5 minutes or 3/hour"
        # Of two rates only one would count.
        for rate in ("", "10", "often", "0/minute", "-1/minute", "1.5/minute", "10/fortnight", "10/minute; 100/hour"):
            assert complaints(**{name: rate}) == [((name,), message)]


class TestJSON:
    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("trusted_hosts", '["a.example", "b.example"]', ("a.example", "b.example")),
            ("cors_origins", "[]", ()),
        ],
    )
    def test_a_list_or_an_object_is_decoded(
        self, monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: Any
    ) -> None:
        monkeypatch.setenv(name.upper(), text)
        assert getattr(make(), name) == value

    @pytest.mark.parametrize("text", ["", "hunter2", "['hunter2']", '["hunter2"'])
    def test_invalid_json_is_refused(self, text: str) -> None:
        assert complaints(secret_key_fallbacks=text) == [
            (("secret_key_fallbacks",), "Value error, must be JSON, in double quotes, as .env.example shows")
        ]

    @pytest.mark.parametrize("text", ["1", '"hunter2"', "{}", "null"])
    def test_json_of_another_type_is_refused(self, text: str) -> None:
        assert [where for where, _ in complaints(secret_key_fallbacks=text)] == [("secret_key_fallbacks",)]


class TestDatabaseUrl:
    @pytest.mark.parametrize("name", engines.CURRENT.SCHEMES)
    @pytest.mark.parametrize("driver", ["", "+another"])
    def test_the_projects_driver_is_put_in(self, name: str, driver: str) -> None:
        assert make(database_url=f"{name}{driver}://user:hunter2@host/name").database_url == URL

    def test_everything_else_stays_and_the_query_overrides_options_of_the_driver(self) -> None:
        url = make_url(f"{engines.CURRENT.DRIVER}://user@host:1234/name?{OPTION}=3").set(password="p@ss/w:rd %é")
        settings = make(database_url=url.render_as_string(hide_password=False))
        assert make_url(settings.database_url) == url
        assert engine_options(settings)["connect_args"][OPTION] == 3

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            (f"{URL}?sslmod=hunter2", "has the option 'sslmod', which the driver lacks"),
            (f"{URL}?{OPTION}=hunter2", f"has the option {OPTION} with what is no whole number"),
            (f"{URL}?{OPTION}=1&{OPTION}=2", f"has the option {OPTION} with what is no whole number"),
            ("gopher://user:hunter2@host/name", f"names the engine 'gopher'; this project runs on {ENGINE!r}"),
            (f"{engines.CURRENT.DRIVER}://user:hunter2@host", "names no database"),
            (f"{engines.CURRENT.DRIVER}://user:hunter2@host/:memory:", "names no database"),
            (f"{engines.CURRENT.DRIVER}://user:hunter2/name", f"must look like {EXAMPLE_URL}"),
            ("hunter2", f"must look like {EXAMPLE_URL}"),
            ("", f"must look like {EXAMPLE_URL}"),
        ],
    )
    def test_another_url_is_refused(self, url: str, message: str) -> None:
        assert complaints(database_url=url) == [(("database_url",), f"Value error, {message}")]


class TestMailUrl:
    @pytest.mark.parametrize("url", ["console://", "smtp://host", "smtps://user:p%40ss@host:587", "smtp://[::1]:25"])
    def test_a_server_or_the_console_is_accepted(self, url: str) -> None:
        assert str(make(mail_url=url).mail_url) == url


class TestSecrets:
    @pytest.mark.parametrize(
        "values",
        [
            {"secret_key": "hunter2"},
            {"secret_key_fallbacks": ["hunter2"]},
            {"metrics_token": "hunter2"},
            {"database_url": URL},
            {"mail_url": "smtp://user:hunter2@host"},
        ],
    )
    def test_they_are_in_no_representation(self, values: dict[str, Any]) -> None:
        assert "hunter2" not in repr(make(**values)) + str(make(**values))

    @pytest.mark.parametrize(
        "values",
        [
            {"log_level": "hunter2"},
            {"secret_key": "hunter2", "environment": "production"},
            {"secret_key_fallbacks": "hunter2"},
            {"secret_key_fallbacks": '{"hunter2": 1}'},
            {"database_url": "gopher://user:hunter2@host/name"},
            {"database_url": f"{engines.CURRENT.DRIVER}://user:hunter2/name"},
            {"database_url": f"{URL}?{OPTION}=hunter2"},
            {"mail_url": "smtp://user:hunter2@host:port"},
            {"public_url": "http://hunter2@host:port"},
        ],
    )
    def test_they_are_in_no_error(self, values: dict[str, str]) -> None:
        error = str(refusal(**values))
        assert "hunter2" not in error
        assert SECRET not in error


class TestExample:
    def test_it_names_every_setting_in_order_and_nothing_else(self) -> None:
        names = re.findall(r"^([A-Za-z_]+)=", EXAMPLE.read_text("utf-8"), re.MULTILINE)
        # Those that are for compose.yaml alone.
        assert [name for name in names if not name.endswith("_PASSWORD")] == [
            name.upper() for name in Settings.model_fields
        ]

    def test_its_values_are_the_defaults(self) -> None:
        settings = Settings(_env_file=EXAMPLE)
        for name, field in Settings.model_fields.items():
            if not field.is_required():
                assert getattr(settings, name) == field.default
        assert settings.secret_key.get_secret_value() == EXAMPLE_SECRET
        assert make_url(settings.database_url) == make_url(EXAMPLE_URL).set(drivername=engines.CURRENT.DRIVER)

    def test_production_refuses_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ENVIRONMENT", "production")
        with pytest.raises(ValidationError, match=r"SECRET_KEY is the one of \.env\.example"):
            Settings(_env_file=EXAMPLE)
