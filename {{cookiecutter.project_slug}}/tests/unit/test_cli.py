"""The command line."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text, update
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from app import cli
from app.auth import one_time_tokens, sessions
from app.auth.passwords import verify_password
from app.connections import BACKLOG, MOST_CONNECTIONS, OTHER_FILES
from app.database import Base, engine
from app.models import OneTimeToken, Purpose, RefreshToken, Role, User
from app.models.columns import now
from app.observability.logs import log_config
from app.settings import EXAMPLE_URL, Settings, get_settings
from tests.factories import UserFactory
from tests.range_service import Answer, RangeServer

ROOT = Path(cli.__file__).parents[1]
ADMIN = ("create-admin", "--email", "new@example.com", "--password", "Password1")


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli.cli, arguments, input=typed)


def purged(db: Session) -> list[int]:
    """Return how many tokens are left in each table."""
    return [len(db.scalars(select(table.id)).all()) for table in (RefreshToken, OneTimeToken)]


def users(db: Session) -> list[User]:
    return list(db.scalars(select(User)))


class TestCreateAdmin:
    def test_an_active_admin_is_added(self, db: Session) -> None:
        result = run(*ADMIN)
        assert (result.exit_code, result.stdout) == (0, "new@example.com is an admin.\n")
        (user,) = users(db)
        assert (user.email, user.name, user.role, user.is_active) == ("new@example.com", "Admin", Role.ADMIN, True)
        assert verify_password("Password1", user.password_hash) == (True, None)

    def test_the_name_is_as_given_and_the_address_in_lower_case(self, db: Session) -> None:
        result = run("create-admin", "--email", "New@Example.COM", "--password", "Password1", "--name", "Zoë")
        assert (result.exit_code, result.stdout) == (0, "new@example.com is an admin.\n")
        assert [(user.email, user.name) for user in users(db)] == [("new@example.com", "Zoë")]

    def test_the_password_is_asked_for_twice_and_not_shown(self, db: Session) -> None:
        typed = "Different\nPassword2\nPassword2\nPassword2\n"
        result = run("create-admin", "--email", "new@example.com", typed=typed)
        assert result.exit_code == 0
        assert "Password2" not in result.output
        (user,) = users(db)
        assert verify_password("Password2", user.password_hash) == (True, None)

    @pytest.mark.parametrize("email", ["taken@example.com", "Taken@Example.com"])
    def test_a_taken_address_is_refused(self, db: Session, email: str) -> None:
        taken = UserFactory(email="taken@example.com", name="First")
        kept = taken.password_hash
        result = run("create-admin", "--email", email, "--password", "Password2")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"A user with this e-mail address already exists: {email}\n"
        db.expire_all()
        assert users(db) == [taken]
        assert (taken.role, taken.name, taken.password_hash) == (Role.USER, "First", kept)

    @pytest.mark.parametrize(
        ("email", "password", "sentence"),
        [
            ("new@example.com", "1234567", "password: String should have at least 8 characters\n"),
            ("new@example.com", "x" * 129, "password: String should have at most 128 characters\n"),
            ("new@example.com", "New@example.com", "the password must not be the e-mail address\n"),
            (
                "nobody",
                "Password1",
                "email: value is not a valid email address: An email address must have an @-sign.\n",
            ),
            ("nobody@\udcff.example", "Password1", None),
            ("=?x?q?a?=@example.com", "Password1", "email: must not contain an encoded word (=?)\n"),
        ],
    )
    def test_bad_input_is_refused_in_a_sentence(
        self, db: Session, email: str, password: str, sentence: str | None
    ) -> None:
        result = run("create-admin", "--email", email, "--password", password)
        assert (result.exit_code, result.stdout) == (2, "")
        assert sentence is None or result.stderr == sentence
        assert result.stderr.count("\n") == 1
        assert users(db) == []

    def test_a_breached_password_is_refused_in_a_sentence(self, db: Session, range_service: RangeServer) -> None:
        range_service.breached = {"Password1": 1}
        result = run(*ADMIN)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "password: the password is known from a data breach\n"
        assert users(db) == []

    def test_a_service_of_breached_passwords_that_fails_lets_it_pass(
        self, db: Session, range_service: RangeServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        range_service.first = [Answer(404)]
        result = run(*ADMIN)
        assert (result.exit_code, result.stdout) == (0, "new@example.com is an admin.\n")
        assert [user.email for user in users(db)] == ["new@example.com"]
        assert len(caplog.records) == 1

    def test_each_thing_that_is_wrong_has_a_line(self, db: Session) -> None:
        result = run("create-admin", "--email", "nobody", "--password", "short", "--name", "")
        assert result.exit_code == 2
        assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["email", "name", "password"]

    def test_without_an_address_it_says_so(self, db: Session) -> None:
        result = run("create-admin", "--password", "Password1")
        assert result.exit_code == 2
        assert "--email" in result.stderr
        assert users(db) == []


class TestPurge:
    def test_what_has_expired_goes_and_is_counted(self, db: Session, user: User, settings: Settings) -> None:
        for number in range(3):
            sessions.add_token(db, user, str(number), settings)
            one_time_tokens.issue(db, user, Purpose.PASSWORD_RESET, settings)
        assert (run("purge").stdout, purged(db)) == ("0 expired tokens were deleted.\n", [3, 3])
        for table, kept in ((RefreshToken, 1), (OneTimeToken, 2)):
            ids = db.scalars(select(table.id).order_by(table.id)).all()[kept:]
            db.execute(update(table).where(table.id.in_(ids)).values(expires_at=now()))
        result = run("purge")
        assert (result.exit_code, result.stdout) == (0, "3 expired tokens were deleted.\n")
        assert purged(db) == [1, 2]

    def test_a_second_time_nothing_is_left_to_do(self, db: Session) -> None:
        for _ in range(2):
            result = run("purge")
            assert (result.exit_code, result.stdout) == (0, "0 expired tokens were deleted.\n")

    def test_it_takes_no_argument(self, db: Session) -> None:
        assert run("purge", "all").exit_code == 2


class TestMigrate:
    def test_to_head_is_the_default_and_may_be_repeated(self, schema: None) -> None:
        assert [run("migrate").exit_code, run("migrate", "head").exit_code] == [0, 0]
        with engine.connect() as connection:
            revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        assert revision == ScriptDirectory(str(cli.MIGRATIONS)).get_current_head()
        assert set(Base.metadata.tables) < set(inspect(engine).get_table_names())

    def test_an_unknown_revision_is_refused_in_a_sentence(self, schema: None) -> None:
        result = run("migrate", "nowhere")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "Cannot migrate to 'nowhere': Can't locate revision identified by 'nowhere'\n"

    @pytest.mark.slow
    def test_to_base_and_back(self, schema: None) -> None:
        engine.dispose()
        try:
            assert run("migrate", "base").exit_code == 0
            assert not set(Base.metadata.tables) & set(inspect(engine).get_table_names())
        finally:
            result = run("migrate")
        assert result.exit_code == 0
        assert set(Base.metadata.tables) < set(inspect(engine).get_table_names())


class TestServe:
    @pytest.fixture
    def served(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
        served: list[tuple[str, dict[str, Any]]] = []
        monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.append((app, options)))
        return served

    def test_it_listens_on_this_machine_only_unless_told(self, served: list[tuple[str, dict[str, Any]]]) -> None:
        assert run("serve").exit_code == 0
        ((app, options),) = served
        assert app == "app.main:app"
        assert (options["host"], options["port"], options["workers"]) == ("127.0.0.1", 8000, 1)
        assert options["reload"] is False

    def test_it_takes_no_proxys_word_and_does_not_say_what_it_is(
        self, served: list[tuple[str, dict[str, Any]]]
    ) -> None:
        assert run("serve").exit_code == 0
        ((_, options),) = served
        assert (options["proxy_headers"], options["server_header"]) == (False, False)

    def test_it_may_open_the_files_that_its_connections_need(self, served: list[tuple[str, dict[str, Any]]]) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        assert run("serve").exit_code == 0
        needed = MOST_CONNECTIONS + 2 * BACKLOG + OTHER_FILES
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(needed, hard), hard)

    def test_the_options_are_handed_on(self, served: list[tuple[str, dict[str, Any]]]) -> None:
        assert run("serve", "--host", "::", "--port", "65535", "--workers", "2", "--reload").exit_code == 0
        ((_, options),) = served
        assert (options["host"], options["port"], options["workers"]) == ("::", 65535, 2)
        assert options["reload"] is True

    @pytest.mark.parametrize(("workers", "shared"), [("1", False), ("2", True)])
    def test_several_processes_share_an_empty_folder_for_their_metrics(
        self, monkeypatch: pytest.MonkeyPatch, workers: str, *, shared: bool
    ) -> None:
        folders: list[Path] = []

        def see(_app: str, **_: Any) -> None:
            folders.extend(Path(os.environ[name]) for name in (cli.METRICS,) if name in os.environ)
            assert [list(folder.iterdir()) for folder in folders] == [[]] * len(folders)

        monkeypatch.setattr(uvicorn, "run", see)
        assert run("serve", "--workers", workers).exit_code == 0
        assert len(folders) == shared
        assert not any(folder.exists() for folder in folders)
        assert cli.METRICS not in os.environ

    def test_the_servers_own_lines_are_the_projects_and_its_access_log_is_off(
        self, served: list[tuple[str, dict[str, Any]]]
    ) -> None:
        assert run("serve").exit_code == 0
        ((_, options),) = served
        assert (options["log_config"], options["access_log"]) == (log_config(get_settings()), False)

    @pytest.mark.parametrize("option", ["--port=0", "--port=65536", "--port=http", "--workers=0"])
    def test_a_number_outside_the_limits_is_refused(
        self, served: list[tuple[str, dict[str, Any]]], option: str
    ) -> None:
        result = run("serve", option)
        assert result.exit_code == 2
        assert option.partition("=")[0] in result.stderr
        assert served == []


class TestSettings:
    @pytest.mark.slow
    def test_wrong_ones_are_named_a_line_each(self, tmp_path: Path) -> None:
        names = {name.upper() for name in Settings.model_fields}
        env = {name: value for name, value in os.environ.items() if name not in names}
        env |= {"PYTHONPATH": str(ROOT), "DATABASE_URL": "hunter2", "REQUEST_THREADS": "0", "LOG_LEVEL": "LOUD"}
        # In a process of its own, which reads nothing else before: no table, no connection, no traceback.
        command = [sys.executable, "-m", "app.cli", "migrate"]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - its own command
        heading, *lines = done.stderr.splitlines()
        assert (done.returncode, done.stdout) == (2, "")
        assert heading == "The settings (environment variables or .env) are wrong:"
        fields = ["database_url", "secret_key", "request_threads", "log_level"]
        assert [line.partition(":")[0] for line in lines] == fields
        assert "hunter2" not in done.stderr

    @pytest.fixture
    def given(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Return what sets variables of the environment, which the next command reads."""
        monkeypatch.setattr(cli, "get_settings", Settings)

        def give(**variables: str) -> None:
            for name, value in variables.items():
                monkeypatch.setenv(name.upper(), value)

        return give

    def test_production_has_a_line_for_each_unsafe_one(self, given: Callable[..., None]) -> None:
        given(environment="production", debug="on", database_url=EXAMPLE_URL)
        given(secret_key="hunter2", secret_key_fallbacks='["hunter3!"]')
        result = run("migrate")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.splitlines() == [
            "The settings (environment variables or .env) are wrong:",
            "SECRET_KEY has 7 characters other than spaces; production needs 32 or more",
            "Key 1 of SECRET_KEY_FALLBACKS has 8 characters other than spaces; production needs 32 or more",
            "DEBUG is on; production must not show tracebacks to clients",
        ]

    def test_what_is_no_json_is_named_in_a_sentence_and_not_repeated(self, given: Callable[..., None]) -> None:
        given(trusted_hosts="api.example.com", secret_key_fallbacks="hunter2", cors_origins="['https://example.com']")
        result = run("migrate")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.splitlines() == [
            "The settings (environment variables or .env) are wrong:",
            "secret_key_fallbacks: must be JSON, in double quotes, as .env.example shows",
            "trusted_hosts: must be JSON, in double quotes, as .env.example shows",
            "cors_origins: must be JSON, in double quotes, as .env.example shows",
        ]

    @pytest.mark.slow
    def test_production_is_not_even_imported_with_unsafe_ones(self) -> None:
        env = {**os.environ, "ENVIRONMENT": "production", "SECRET_KEY": "hunter2", "DEBUG": "true"}
        command = [sys.executable, "-c", "import app.main"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - its own command
        assert done.returncode == 1
        assert "ValidationError" in done.stderr
        assert "SECRET_KEY has 7 characters" in done.stderr
        assert "DEBUG is on" in done.stderr
        assert "hunter2" not in done.stderr

    def test_without_a_command_it_tells_which_there_are(self) -> None:
        result = run()
        assert result.exit_code == 2
        assert all(name in result.output for name in ("migrate", "serve", "purge", "create-admin"))


@pytest.mark.slow
class TestDatabase:
    @pytest.mark.parametrize("command", [("migrate",), ("purge",), ADMIN], ids=lambda command: command[0])
    def test_one_that_cannot_be_reached_is_told_in_a_sentence(self, command: tuple[str, ...]) -> None:
        nowhere = engine.url.set(database="/no/such/folder/or/database_test")
        env = {**os.environ, "DATABASE_URL": nowhere.render_as_string(hide_password=False)}
        line = [sys.executable, "-m", "app.cli", *command]
        done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - its own command
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("The database refuses (is DATABASE_URL right, is it migrated?): ")
        assert "Traceback" not in done.stderr
