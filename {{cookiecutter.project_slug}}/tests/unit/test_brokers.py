"""URLs of brokers: which are accepted, and which are refused without repeating a password."""

import ssl
from typing import Any

import pytest

from app.settings.brokers import tls_options
from tests.unit.given import complaints, make, refusal

pytestmark = pytest.mark.usefixtures("no_environment")

SCHEME = "must begin with redis://, amqp:// or the scheme of another broker that Celery supports"
HOST = "must name a host, as in"
PARAMETER = "has a query parameter that redis-py doesn't accept"
DATABASE = "must end with a database number, as in redis://localhost:6379/0"
PACKAGE = "needs a package that isn't installed; celery[sqs] may bring it"


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("redis://:hunter2@host", None),
        ("rediss://user:hunter2@host:6380/0?ssl_cert_reqs=none", None),
        ("rediss://host", {"ssl_cert_reqs": ssl.CERT_REQUIRED}),
        ("amqp://user:hunter2@host:5672//", None),
        ("amqps://host", {"server_hostname": "host"}),
        ("sentinel://host:26379/0;sentinel://other:26379/0", None),
    ],
)
def test_a_broker_is_accepted_and_its_certificate_verified(url: str, tls: dict[str, Any] | None) -> None:
    settings = make(celery_broker_url=url, celery_broker_options='{"master_name": "hunter2"}')
    assert settings.celery_broker_url == url
    assert settings.celery_broker_options == {"master_name": "hunter2"}
    assert "hunter2" not in repr(settings)
    assert tls_options(url) == tls


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", SCHEME),
        ("hunter2", SCHEME),
        ("host:6379", SCHEME),
        ("http://user:hunter2@host", SCHEME),
        ("memory://hunter2", SCHEME),
        ("amqp://host;hunter2", SCHEME),
        ("redis:///1", HOST),
        ("redis://:hunter2@", HOST),
        ("redis://user:hunter2/1", HOST),
        ("redis://user:hunter2@host:70000/1", HOST),
        ("redis://user:hunter2@[::1/1", HOST),
        ("sentinel://host;sentinel://", HOST),
        ("redis://:hunter2@host/name", DATABASE),
        ("redis://host/0?hunter2=1", PARAMETER),
        ("redis://host/0?socket_timeout=hunter2", PARAMETER),
        ("sqs://hunter2:hunter2@", PACKAGE),
    ],
)
def test_another_url_is_refused_and_not_repeated(url: str, message: str) -> None:
    error = refusal(celery_broker_url=url)
    (problem,) = error.errors()
    assert problem["loc"] == ("celery_broker_url",)
    assert problem["msg"].startswith(f"Value error, {message}")
    assert "hunter2" not in str(error)


def test_the_queue_has_a_name_and_an_import_a_maximum_size() -> None:
    assert [make(import_max_bytes=size).import_max_bytes for size in (1, 8_000_000)] == [1, 8_000_000]
    for values in ({"import_max_bytes": 0}, {"import_max_bytes": 8_000_001}, {"celery_queue": ""}):
        assert [where for where, _ in complaints(**values)] == [tuple(values)]
