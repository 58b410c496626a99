"""Rate limits without hits at the start of each test, rates to set and a clock to advance. A plugin, see `addopts`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # Plugins are imported before the settings have their environment, and before coverage is measured.
    from fastapi import FastAPI

    from app.settings import Settings

    SetRates = Callable[..., None]
    PassTime = Callable[[float], None]


def reset_rate_limits(app: FastAPI) -> None:
    limits = app.state.rate_limits
    # {% if cookiecutter.use_redis %}
    limits.storage.key_prefix = f"test-{time.time_ns()}"
    limits = limits.fallback
    # {% endif %}
    limits.storage.reset()


@pytest.fixture(autouse=True)
def no_hits() -> None:
    from app.main import app  # noqa: PLC0415 - as above

    reset_rate_limits(app)


@pytest.fixture
def set_rates(app: FastAPI, settings: Settings) -> Iterator[SetRates]:
    """Set rates of the application for this test: `set_rates(account_rate="2/minute")`."""
    yield lambda **rates: setattr(app.state, "settings", settings.model_copy(update=rates))
    app.state.settings = settings


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> PassTime:
    """Advance the system clock, by which rate limits are kept."""
    real, clock = time.time, SimpleNamespace(ahead=0.0)
    monkeypatch.setattr(time, "time", lambda: real() + clock.ahead)
    return lambda seconds: setattr(clock, "ahead", clock.ahead + seconds)
