"""The fixture of the tests that really commit."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.conftest import delete_all_rows


@pytest.fixture
def server(schema: None, running: TestClient) -> Iterator[TestClient]:
    """The application on the real engine; what it commits is deleted after the test."""
    try:
        yield running
    finally:
        delete_all_rows()
