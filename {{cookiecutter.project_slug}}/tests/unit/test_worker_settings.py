"""How the worker is set up: what it takes, what it holds back, how often it tries again."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import Retry
from typer.testing import CliRunner

from app import cli
from app.auth.tasks import deliver_left, deliver_mail, purge_expired_tokens
from app.imports.tasks import import_posts, resume_imports
from app.settings import Settings
from app.worker import REDELIVERY_SECONDS, TIME_LIMIT_SECONDS, celery, queues_for

ROOT = Path(cli.__file__).parents[1]
TASKS = [deliver_left, deliver_mail, import_posts, purge_expired_tokens, resume_imports]


class TestCommands:
    @pytest.mark.slow
    def test_wrong_settings_are_told_in_a_sentence(self, tmp_path: Path) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "CELERY_BROKER_URL": "gopher://:hunter2@host"}
        line = [sys.executable, "-m", "app.cli", "worker"]
        done = subprocess.run(line, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - its own command
        heading, *lines = done.stderr.splitlines()
        assert (done.returncode, done.stdout) == (2, "")
        assert heading == "The settings (environment variables or .env) are wrong:"
        assert [text.partition(":")[0] for text in lines] == ["celery_broker_url"]
        assert "hunter2" not in done.stderr

    @pytest.mark.parametrize("processes", ["0", "-1", "many"])
    def test_a_number_of_processes_is_one(self, processes: str) -> None:
        result = CliRunner().invoke(cli.cli, ["worker", "--processes", processes])
        assert result.exit_code == 2
        assert "--processes" in result.stderr

    def test_a_worker_that_fails_says_so_with_its_status(self, monkeypatch: pytest.MonkeyPatch) -> None:
        failed = SimpleNamespace(start=lambda: None, exitcode=1)
        monkeypatch.setattr(celery, "Worker", lambda **_: failed)
        assert CliRunner().invoke(cli.cli, ["worker"]).exit_code == 1


class TestMessages:
    def test_they_carry_data_and_are_acknowledged_when_the_work_is_done(self) -> None:
        assert (celery.conf.accept_content, celery.conf.task_serializer) == (["json"], "json")
        assert celery.conf.worker_prefetch_multiplier == 1
        for task in TASKS:
            assert (task.acks_late, task.reject_on_worker_lost, task.ignore_result) == (True, True, True)

    def test_one_is_delivered_again_only_when_its_worker_must_be_dead(self) -> None:
        longest_wait = max(task.retry_backoff_max for task in TASKS)
        assert celery.conf.broker_transport_options["visibility_timeout"] == REDELIVERY_SECONDS
        assert longest_wait + TIME_LIMIT_SECONDS < REDELIVERY_SECONDS
        assert 0 < celery.conf.task_soft_time_limit < celery.conf.task_time_limit == TIME_LIMIT_SECONDS

    def test_all_tasks_are_registered(self) -> None:
        celery.loader.import_default_modules()
        assert {task.name for task in TASKS} == {name for name in celery.tasks if name.startswith("app.")}


class TestRetries:
    """A server does not answer."""

    @staticmethod
    def attempt(number: int) -> None:
        purge_expired_tokens.apply(retries=number)

    @pytest.fixture(autouse=True)
    def failure(self, eager: None, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> None:
            raise OSError("no answer")

        monkeypatch.setattr("app.auth.tasks.purge_expired", fail)

    @pytest.mark.parametrize("number", range(8))
    def test_it_is_asked_again_after_a_time_that_doubles(self, number: int) -> None:
        with pytest.raises(Retry) as again:
            self.attempt(number)
        seconds: Any = again.value.when
        assert 0 <= seconds <= 2**number

    def test_not_for_ever(self) -> None:
        with pytest.raises(OSError, match="no answer"):
            self.attempt(8)


def test_a_worker_is_for_mail_alone_for_everything_else_or_for_both(settings: Settings) -> None:
    tasks, mail = settings.celery_queue, f"{settings.celery_queue}-mail"
    assert (queues_for(mail=True), queues_for(mail=False)) == ((mail,), (tasks,))
    assert queues_for(mail=None) == (tasks, mail)
