"""Buckets that are empty for each test, rates to set and a clock to move on. A plugin, see `addopts`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_bytes
from time import monotonic, time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # Plugins are imported before the settings have their environment, and before coverage is measured.
    from fastapi import FastAPI

    from app.settings import Settings

    SetRates = Callable[..., None]
    PassTime = Callable[[float], None]


def empty_buckets(app: FastAPI) -> None:
    """Let nobody have tried anything: with another secret, everybody has other buckets."""
    app.state.buckets.secret = token_bytes()


@pytest.fixture(autouse=True)
def no_attempts() -> None:
    from app.main import app  # noqa: PLC0415 - as above

    empty_buckets(app)


@pytest.fixture
def set_rates(app: FastAPI, settings: Settings) -> Iterator[SetRates]:
    """What gives the application other rates for this test: `set_rates(account_rate="2/minute")`."""
    yield lambda **rates: setattr(app.state, "settings", settings.model_copy(update=rates))
    app.state.settings = settings


class Clock:
    """Is ahead by as much as has passed."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return monotonic() + self.ahead

    def time(self) -> float:
        return time() + self.ahead

    def pass_time(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> PassTime:
    """What moves the clock of the buckets on by so many seconds."""
    clock = Clock()
    monkeypatch.setattr("app.rate_limiting.buckets.monotonic", clock.monotonic)
    # {% if cookiecutter.use_redis %}
    # This clock counts, and not that of Redis.
    monkeypatch.setattr("limits.storage.redis.time", clock)
    monkeypatch.setattr("app.rate_limiting.shared_buckets.time", clock.time)
    # {% endif %}
    return clock.pass_time
