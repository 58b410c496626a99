"""What the OpenAPI schema allows, and what it forbids, is sent to every operation; each answer is one that it documents."""

import os
from copy import deepcopy
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode, openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks
from sqlalchemy.orm import Session

from app.main import app as application
from tests.client import Client
from tests.throttling import reset_rate_limits

Operation = APIOperation[Any, Any, Any, Any]
# More of them by `TEST_FUZZ_EXAMPLES=500 pytest tests/integration/test_fuzz.py`.
EXAMPLES = int(os.environ.get("TEST_FUZZ_EXAMPLES", "20"))
CHECKS = [
    # A status of 500 is documented nowhere; one of 503 may be.
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
SCHEMA = openapi.from_dict(deepcopy(application.openapi()), config=SchemathesisConfig())
OPERATIONS: dict[str, Operation] = {
    f"{method.upper()} {path}": SCHEMA[path][method]
    for path, methods in application.openapi()["paths"].items()
    for method in methods
}

# The same requests in every run, on a slow machine too; what an earlier run found is not kept.
fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def encoded(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def send(client: Client, case: Case[Operation]) -> Response:
    request: dict[str, Any] = case.as_transport_kwargs(base_url=str(client.base_url))
    del request["cookies"]
    if isinstance(request.get("data"), str | bytes):
        request["content"] = request.pop("data")
    # A form holds text, and numbers only as such.
    request["files"] = [(name, (file, encoded(value))) for name, (file, value) in request.get("files") or ()]
    response = client.request(**request)
    # It is sent piece by piece; the checks look at it as a whole.
    response.request.read()
    return response


def requests_of(operation: Operation, ids: dict[str, Any]) -> SearchStrategy[Case[Operation]]:
    """Return what may be sent: with ids of any kind or of what there is, and with something invalid where it can be."""
    path = {parameter.name: ids[parameter.name] for parameter in operation.path_parameters}
    kinds = [operation.as_strategy(), operation.as_strategy(path_parameters=path)]
    if operation.path_parameters or operation.query or operation.body:
        kinds.append(operation.as_strategy(GenerationMode.NEGATIVE))
    if operation.query or operation.body:
        kinds.append(operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=path))
    return st.one_of(kinds)


def fuzz(client: Client, db: Session, label: str, ids: dict[str, Any]) -> None:
    @fuzzed
    @given(case=requests_of(OPERATIONS[label], ids))
    def check(case: Case[Operation]) -> None:
        # Undone after each example, so that none depends on those before it: one of them may delete the caller.
        reset_rate_limits(application)
        with db.begin_nested() as savepoint:
            db.connection()  # the savepoint is only made when it is first needed
            response = send(client, case)
            savepoint.rollback()
        case.validate_response(response, checks=CHECKS)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("label", OPERATIONS)
class TestEveryOperation:
    def test_as_an_admin(self, admin_client: Client, db: Session, label: str, ids: dict[str, Any]) -> None:
        fuzz(admin_client, db, label, ids)

    def test_as_nobody(self, anon_client: Client, db: Session, label: str, ids: dict[str, Any]) -> None:
        fuzz(anon_client, db, label, ids)
