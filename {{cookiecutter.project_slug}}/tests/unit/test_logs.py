"""What a line of the log looks like: an object in production, words elsewhere."""

import json
import logging
import pickle
import secrets
import sys

import pytest
import structlog
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.errors import install_handlers
from app.middleware import install_middleware
from app.observability import logs
from app.settings import Environment, Settings


def record(message: str, **extra: object) -> logging.LogRecord:
    """Return a line about an address that is no number."""
    try:
        int("user@example.com")
    except ValueError:
        error = sys.exc_info()
    return logging.getLogger("app.x").makeRecord("app.x", logging.WARNING, "x.py", 1, message, (), error, extra=extra)


def test_a_line_for_programs_is_one_object_with_what_the_code_adds() -> None:
    text = logs.json_lines().format(record("Line\nbreak é", place=("a", 1)))
    line = json.loads(text)
    assert "\n" not in text
    assert (line["level"], line["logger"], line["event"], line["place"]) == (
        "warning",
        "app.x",
        "Line\nbreak é",
        ["a", 1],
    )
    assert line["timestamp"].endswith("Z")
    assert line["exception"].endswith("10: '[address]'")


def test_one_for_people_has_no_colours_where_nobody_looks_and_no_values_of_variables() -> None:
    text = logs.readable_lines().format(record("It failed", place=1))
    assert "It failed" in text
    assert "place=1" in text
    assert "10: '[address]'" in text
    assert "\x1b" not in text
    assert "extra = " not in text


def test_no_address_and_no_token_is_in_what_the_code_adds() -> None:
    token = secrets.token_urlsafe(32)
    refused = {"user@example.com": (550, b"user@example.com?"), ("a", 1): None}
    extra = {"to": "x\nuser@example.com", "refused": refused, "error": ValueError(token), "urls": [f"/?token={token}"]}
    text = logs.json_lines().format(record("Not sent", **extra, left=None, tries=2))
    line = json.loads(text)
    assert "user@" not in text
    assert token not in text
    assert (line["to"], line["refused"]) == ("x\n[address]", {"[address]": [550, "b'[address]?'"], "('a', 1)": None})
    assert (line["error"], line["urls"]) == ("ValueError('[token]')", ["/?token=[token]"])
    assert (line["left"], line["tries"]) == (None, 2)
    assert "user@" not in logs.readable_lines().format(record("Not sent", **extra))


@pytest.mark.parametrize(("environment", "lines"), [("production", "json_lines"), ("development", "readable_lines")])
def test_production_logs_for_programs(settings: Settings, environment: str, lines: str) -> None:
    config = logs.log_config(
        settings.model_copy(update={"environment": Environment(environment), "log_level": "DEBUG"})
    )
    assert config["formatters"]["line"] == {"()": f"app.observability.logs.{lines}"}
    assert config["root"]["level"] == "DEBUG"
    assert {logger["level"] for logger in config["loggers"].values()} == {"INFO"}
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - its own


@pytest.mark.parametrize(
    ("environment", "level", "told"),
    [("production", "INFO", True), ("production", "WARNING", False), ("development", "INFO", True)],
)
def test_the_line_of_a_request_is_written_as_all_others(
    settings: Settings, capsys: pytest.CaptureFixture[str], environment: str, level: str, *, told: bool
) -> None:
    app = FastAPI()
    install_handlers(app)
    update = {"environment": Environment(environment), "log_level": level, "trusted_hosts": ["*"]}
    install_middleware(app, settings.model_copy(update=update))
    token = secrets.token_urlsafe(32)
    TestClient(app).get(f"/{token}", headers={"X-Request-ID": token})
    text = capsys.readouterr().err
    assert token not in text
    assert text.count("\n") == told
    if told and environment == "production":
        line = json.loads(text)
        assert line.pop("duration_ms") >= 0
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "level": "info",
            "logger": "app.middleware.request_context",
            "event": "request",
            "request_id": "[token]",
            "method": "GET",
            "route": "unmatched",
            "status": 404,
            "client": "testclient",
        }
    assert not told or ("request_id" in text and "[token]" in text)


def test_a_logger_of_structlog_goes_the_same_way(running: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    taken = {"name": "a", "args": "b", "message": "c", "asctime": "d"}
    error = ValueError("e")
    structlog.get_logger("app.x").warning("Something", place=1, exc_info=error, **taken)
    (one,) = [one for one in caplog.records if one.name == "app.x"]
    assert (one.getMessage(), vars(one)["place"], one.levelno) == ("Something", 1, logging.WARNING)
    assert {name: vars(one)[f"{name}_"] for name in taken} == taken
    assert error in (one.exc_info or ())
