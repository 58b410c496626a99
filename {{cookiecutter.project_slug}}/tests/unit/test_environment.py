"""The suite writes to a database of its own, or it refuses to run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.settings import EXAMPLE_URL, Settings
from tests import environment

SERVER = "driver://user:p%40ss@host:1234"
FOLDER = "driver:////var/lib/shop_test"


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Stands for the environment variables of the process, which stay as they are."""
    variables = {"TEST_DATABASE_URL": f"{SERVER}/shop_test", "DATABASE_URL": f"{SERVER}/shop"}
    monkeypatch.setattr(os, "environ", variables)
    return variables


class TestDatabaseOfTheTests:
    @pytest.mark.parametrize(
        "url",
        [
            f"{SERVER}/shop_test",
            f"{SERVER}/_test",
            f"{SERVER}/shop_test?charset=x",
            "driver:////tmp/shop_test",
            # {% if cookiecutter.__sqlite %}
            "driver:///shop_test.db",
            "driver:///./shop_test.db",
            "driver:////tmp/shop_test.db",
            "driver:///C:/Temp/shop_test.db",
            # {% endif %}
        ],
    )
    def test_a_name_that_ends_in_test_is_taken(self, url: str) -> None:
        assert environment.checked(url) == make_url(url)

    @pytest.mark.parametrize(
        "url",
        [
            f"{SERVER}/shop",
            f"{SERVER}/test",
            f"{SERVER}/test_shop",
            f"{SERVER}/shop_test_2",
            f"{SERVER}/shop_TEST",
            f"{SERVER}/shop_test_",
            f"{SERVER}/shop-test",
            f"{SERVER}/shop?x=_test",
            "driver://user_test:pw_test@host_test/shop",
            f"{SERVER}/",
            SERVER,
            "driver://",
            "driver:///:memory:",
            "driver:///shop.db",
            f"{FOLDER}/shop.db",
            "driver:///shop_test.d/shop.db",
            "driver:///shop.db_test/shop.db",
            # {% if cookiecutter.__database_server %}
            f"{SERVER}/shop_test.live",
            "driver:///shop_test.live",
            "driver:///shop_test.live?host=/run/server",
            # {% endif %}
        ],
    )
    def test_any_other_is_refused_by_its_name(self, url: str) -> None:
        name = make_url(url).database
        with pytest.raises(pytest.UsageError) as refusal:
            environment.checked(url)
        assert str(refusal.value) == (
            f"TEST_DATABASE_URL names the database {name!r}; the tests only run on one that ends in _test"
        )

    @pytest.mark.parametrize("key", ["database", "db", "dbname", "service", "uri"])
    @pytest.mark.parametrize("url", [f"{SERVER}/shop_test?", f"{SERVER}/shop_test?charset=x&", f"{FOLDER}/_test?"])
    def test_a_url_that_may_lead_to_another_is_refused(self, url: str, key: str) -> None:
        with pytest.raises(pytest.UsageError) as refusal:
            environment.checked(f"{url}{key}=shop")
        assert str(refusal.value) == f"TEST_DATABASE_URL may name another database in {key!r}; leave that out"

    @pytest.mark.parametrize("text", ["", "shop_test", "/var/lib/shop_test.db", "p@ss_test"])
    def test_what_is_no_url_is_refused_and_not_repeated(self, text: str) -> None:
        with pytest.raises(pytest.UsageError) as refusal:
            environment.checked(text)
        assert str(refusal.value) == "TEST_DATABASE_URL is no database URL"


class TestDatabaseOfEachWorker:
    @pytest.mark.parametrize(
        ("url", "worker", "own"),
        [
            (f"{SERVER}/shop_test", None, f"{SERVER}/shop_test"),
            (f"{SERVER}/shop_test", "gw0", f"{SERVER}/shop_gw0_test"),
            (f"{SERVER}/shop_test?charset=x", "gw11", f"{SERVER}/shop_gw11_test?charset=x"),
            (f"{SERVER}/_test", "gw0", f"{SERVER}/_gw0_test"),
            (f"{SERVER}/test_test_test", "gw0", f"{SERVER}/test_test_gw0_test"),
            # {% if cookiecutter.__sqlite %}
            (f"{FOLDER}/shop_test.db", "gw0", f"{FOLDER}/shop_gw0_test.db"),
            ("driver:///shop_test.db", "gw1", "driver:///shop_gw1_test.db"),
            # {% endif %}
        ],
    )
    def test_it_is_named_after_the_worker(self, url: str, worker: str | None, own: str) -> None:
        part = environment.own_part(make_url(url), worker)
        assert part == make_url(own)
        assert environment.checked(part.render_as_string(hide_password=False)) == part


class TestVariablesOfTheApplication:
    def test_the_application_gets_the_database_of_the_tests(self, variables: dict[str, str]) -> None:
        environment.pytest_load_initial_conftests()
        assert variables["DATABASE_URL"] == f"{SERVER}/shop_test"
        assert (variables["ENVIRONMENT"], variables["LOG_LEVEL"]) == ("test", "WARNING")
        assert variables["TRUSTED_HOSTS"] == '["testserver"]'

    def test_no_other_setting_comes_from_the_environment_or_a_file(
        self, variables: dict[str, str], tmp_path: Path
    ) -> None:
        file = tmp_path / ".env"
        file.write_text("".join(f"{name.upper()}=nonsense\n" for name in Settings.model_fields), "utf-8")
        variables.update({name: "nonsense" for field in Settings.model_fields for name in (field, field.upper())})
        variables["SENTRY_DSN"] = "https://key@sentry.example.com/1"
        environment.pytest_load_initial_conftests()
        settings = Settings(_env_file=file, database_url=EXAMPLE_URL)
        own = {name for name, field in Settings.model_fields.items() if getattr(settings, name) != field.default}
        assert own == {"environment", "database_url", "secret_key", "trusted_hosts", "log_level"}
        assert "SENTRY_DSN" not in variables

    def test_a_worker_gets_one_of_its_own(self, variables: dict[str, str]) -> None:
        variables["PYTEST_XDIST_WORKER"] = "gw3"
        environment.pytest_load_initial_conftests()
        assert variables["DATABASE_URL"] == f"{SERVER}/shop_gw3_test"
        assert variables["TEST_DATABASE_URL"] == f"{SERVER}/shop_test"

    def test_the_secret_is_long_and_new_in_each_run(self, variables: dict[str, str]) -> None:
        environment.pytest_load_initial_conftests()
        first = variables["SECRET_KEY"]
        environment.pytest_load_initial_conftests()
        assert len(first) == len(variables["SECRET_KEY"]) == 64
        assert first != variables["SECRET_KEY"]

    def test_after_a_refusal_nothing_is_set(self, variables: dict[str, str]) -> None:
        variables["TEST_DATABASE_URL"] = f"{SERVER}/shop"
        with pytest.raises(pytest.UsageError):
            environment.pytest_load_initial_conftests()
        assert variables["DATABASE_URL"] == f"{SERVER}/shop"
        assert "SECRET_KEY" not in variables


@pytest.mark.slow
def test_pytest_itself_refuses_to_run_on_another_database() -> None:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    variables["TEST_DATABASE_URL"] = f"{SERVER}/shop"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only"], env=variables, capture_output=True, text=True, check=False
    )
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "TEST_DATABASE_URL names the database 'shop'; the tests only run on one that ends in _test" in run.stderr
    assert "Traceback" not in run.stderr
    assert "p@ss" not in run.stderr
