"""Telemetry is asked for by the environment, and its packages are extras."""

import secrets
import sys
from typing import Any

import pytest

from app.observability import tracing
from app.settings import Settings

OFF = {"auto_configure": False, "logs": False}
PACKAGES = {"opentelemetry.exporter.otlp", "opentelemetry.instrumentation", "sentry_sdk"}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*tracing.TRACES, *tracing.ERRORS):
        monkeypatch.delenv(name, raising=False)


def test_without_a_place_to_send_to_nothing_is_imported_and_nothing_said(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert tracing.start(settings) == OFF
    assert (caplog.records, PACKAGES & sys.modules.keys()) == ([], set())


@pytest.mark.parametrize(("name", "extra"), [("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry"), ("SENTRY_DSN", "sentry")])
def test_a_place_without_the_packages_is_told_and_stops_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, extra: str
) -> None:
    monkeypatch.setenv(name, "https://key@collector.example.com/1")
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    assert tracing.start(settings) == OFF
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == f"{name} is set and its packages are missing: uv sync --extra {extra} installs them"


def test_sentry_is_sent_no_address_no_token_and_no_query() -> None:
    token = secrets.token_urlsafe(32)
    event: dict[str, Any] = {
        "event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0",
        "logentry": {"message": "Refused: %s", "params": ["user@example.com"]},
        "exception": {"values": [{"type": "ValueError", "value": f"user@example.com has {token}", "mechanism": None}]},
        "breadcrumbs": {"values": [{"message": "To user@example.com", "data": {"to": "user@example.com"}}]},
        "request": {"url": "http://testserver/posts", "method": "GET", "query_string": "q=user%40example.com"},
    }
    clean = tracing.clean_event(event, {})
    assert "example.com" not in str(clean)
    assert clean["event_id"] == event["event_id"]
    assert clean["exception"]["values"][0] == {**event["exception"]["values"][0], "value": "[address] has [token]"}
    assert clean["logentry"] == {"message": "Refused: %s", "params": ["[address]"]}
    assert clean["request"] == {"url": "http://testserver/posts", "method": "GET"}
