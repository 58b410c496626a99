"""Settings as a test gives them, and what is wrong with them."""

from typing import Any

import pytest
from pydantic import ValidationError

from app import engines
from app.settings import Settings

SECRET = "x7Tq-2mV" * 4
URL = f"{engines.CURRENT.DRIVER}://user:hunter2@host/name"


def make(**values: Any) -> Settings:
    return Settings(**{"database_url": URL, "secret_key": SECRET} | values)


def refusal(**values: Any) -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        make(**values)
    return refused.value


def complaints(**values: Any) -> list[tuple[tuple[int | str, ...], str]]:
    return [(error["loc"], error["msg"]) for error in refusal(**values).errors()]
