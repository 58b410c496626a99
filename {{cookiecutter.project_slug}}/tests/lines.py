"""What a process in production would log, in a test that asks for `lines`."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from app.middleware import request_context
from app.observability.logs import direct_logger, json_lines, json_renderer


class Lines:
    """The lines so far, each an object; `text` has them as they were written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def of(self, logger: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in found if line["logger"] == logger]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """All that is logged, from the lowest level up."""
    caplog.set_level(logging.DEBUG)
    lines = Lines()
    handler = logging.StreamHandler(lines.stream)
    handler.setFormatter(json_lines())
    # The mail server of the tests runs in their process, and shows what it is sent.
    handler.addFilter(lambda record: record.name != "mail.log")
    logging.root.addHandler(handler)
    logger, tell = (
        direct_logger(json_renderer(), "DEBUG", lines.stream).bind(logger=request_context.__name__),
        request_context.tell,
    )
    monkeypatch.setattr(request_context, "tell", lambda _logger, *told: tell(logger, *told))
    yield lines
    logging.root.removeHandler(handler)
