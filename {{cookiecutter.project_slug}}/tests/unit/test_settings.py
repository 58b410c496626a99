"""The settings: what is taken, what is refused in which words, and what must not be told."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from app.database import engine_options
from app.settings import DATABASE_DRIVER, ENGINE_NAMES, EXAMPLE_URL, Environment, Settings
from app.settings.production import EXAMPLE_SECRET
from tests.unit.given import SECRET, URL, complaints, make

EXAMPLE = Path(__file__).parents[2] / ".env.example"
# Of every driver, under its own name.
OPTION = "{{ cookiecutter.__connect_timeout }}"
ENGINE = DATABASE_DRIVER.partition("+")[0]

pytestmark = pytest.mark.usefixtures("no_environment")


class TestValues:
    def test_all_but_two_have_a_default(self) -> None:
        with pytest.raises(ValidationError) as refused:
            Settings()
        assert [(error["loc"], error["type"]) for error in refused.value.errors()] == [
            (("database_url",), "missing"),
            (("secret_key",), "missing"),
        ]

    def test_the_defaults(self) -> None:
        settings = make()
        assert settings.environment is Environment.DEVELOPMENT
        assert (settings.access_token_minutes, settings.refresh_token_days) == (15, 30)
        assert (settings.request_threads, settings.log_level) == (8, "INFO")

    def test_they_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ENVIRONMENT", "production")
        monkeypatch.setenv("ACCESS_TOKEN_MINUTES", "5")
        settings = make()
        assert (settings.environment, settings.access_token_minutes) == (Environment.PRODUCTION, 5)

    def test_the_environment_goes_before_the_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        Path(tmp_path, ".env").write_text("LOG_LEVEL=ERROR\nREFRESH_TOKEN_DAYS=3\nOTHERS_SETTING=1\n", "utf-8")
        monkeypatch.setenv("LOG_LEVEL", "DEBUG")
        settings = make()
        assert (settings.log_level, settings.refresh_token_days) == ("DEBUG", 3)

    def test_they_cannot_be_changed(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            make().log_level = "DEBUG"  # type: ignore[misc]  # what is tested

    @pytest.mark.parametrize(
        ("name", "least", "most"),
        [("access_token_minutes", 1, 1440), ("refresh_token_days", 1, 365), ("request_threads", 1, 200)],
    )
    def test_numbers_have_limits(self, name: str, least: int, most: int) -> None:
        assert getattr(make(**{name: least}), name) == least
        assert getattr(make(**{name: most}), name) == most
        for value in (least - 1, most + 1, "many", "", 1.5):
            assert [where for where, _ in complaints(**{name: value})] == [(name,)]

    @pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
    def test_a_log_level_is_taken(self, level: str) -> None:
        assert make(log_level=level).log_level == level

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("log_level", "info"),
            ("log_level", "INFO\n"),
            ("log_level", "LOUD"),
            ("environment", "staging"),
            ("environment", ""),
            ("secret_key", ""),
        ],
    )
    def test_another_value_is_refused(self, name: str, value: str) -> None:
        assert [where for where, _ in complaints(**{name: value})] == [(name,)]


class TestDatabaseUrl:
    @pytest.mark.parametrize("name", ENGINE_NAMES.split("|"))
    @pytest.mark.parametrize("driver", ["", "+another"])
    def test_the_projects_driver_is_put_in(self, name: str, driver: str) -> None:
        assert make(database_url=f"{name}{driver}://user:hunter2@host/name").database_url == URL

    def test_a_password_of_special_characters_stays(self) -> None:
        url = make_url(URL).set(password="p@ss/w:rd %é")
        stored = make(database_url=url.render_as_string(hide_password=False)).database_url
        assert make_url(stored).password == "p@ss/w:rd %é"

    def test_the_parts_stay(self) -> None:
        url = f"{DATABASE_DRIVER}://user:hunter2@host:1234/name?{OPTION}=3"
        assert make(database_url=url).database_url == url

    def test_its_query_overrides_options_of_the_driver(self) -> None:
        assert engine_options(make(database_url=f"{URL}?{OPTION}=3"))["connect_args"][OPTION] == 3

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("sslmod=hunter2", "has the option 'sslmod', which the driver lacks"),
            (f"{OPTION}=hunter2", f"has the option {OPTION} with what is no whole number"),
            (f"{OPTION}=1&{OPTION}=2", f"has the option {OPTION} with what is no whole number"),
        ],
    )
    def test_a_query_that_the_driver_would_refuse_is_refused(self, query: str, message: str) -> None:
        assert complaints(database_url=f"{URL}?{query}") == [(("database_url",), f"Value error, {message}")]

    def test_another_engine_is_refused(self) -> None:
        assert complaints(database_url="gopher://user:hunter2@host/name") == [
            (("database_url",), f"Value error, names the engine 'gopher'; this project runs on {ENGINE!r}")
        ]

    @pytest.mark.parametrize("rest", ["", "/", "/:memory:"])
    def test_a_url_without_a_database_is_refused(self, rest: str) -> None:
        assert complaints(database_url=f"{DATABASE_DRIVER}://user:hunter2@host{rest}") == [
            (("database_url",), "Value error, names no database")
        ]

    @pytest.mark.parametrize("url", ["", "name", "host/name", "://", f"{DATABASE_DRIVER}://user:hunter2/name"])
    def test_what_is_no_url_is_refused(self, url: str) -> None:
        assert complaints(database_url=url) == [(("database_url",), f"Value error, must look like {EXAMPLE_URL}")]

    def test_the_example_is_a_url_of_the_project(self) -> None:
        assert make_url(make(database_url=EXAMPLE_URL).database_url).drivername == DATABASE_DRIVER


class TestSecrets:
    def test_they_are_in_no_representation(self) -> None:
        settings = make()
        for text in (repr(settings), str(settings), f"{settings!r:>10}"):
            assert SECRET not in text
            assert "hunter2" not in text

    @pytest.mark.parametrize(
        "values",
        [
            {"log_level": "hunter2"},
            {"secret_key": "hunter2", "environment": "production"},
            {"database_url": "gopher://user:hunter2@host/name"},
            {"database_url": f"{DATABASE_DRIVER}://user:hunter2/name"},
            {"database_url": f"{DATABASE_DRIVER}://user:hunter2@host"},
            {"database_url": "hunter2"},
            {"mail_url": "smtp://user:hunter2@host:port"},
        ],
    )
    def test_they_are_in_no_error(self, values: dict[str, str]) -> None:
        with pytest.raises(ValidationError) as refused:
            make(**values)
        assert "hunter2" not in str(refused.value)
        assert SECRET not in str(refused.value)


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
        assert settings.secret_key == EXAMPLE_SECRET
        assert make_url(settings.database_url) == make_url(EXAMPLE_URL).set(drivername=DATABASE_DRIVER)

    def test_production_refuses_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ENVIRONMENT", "production")
        with pytest.raises(ValidationError, match="SECRET_KEY is the example's"):
            Settings(_env_file=EXAMPLE)
