"""URLs of brokers: which are taken, and which are refused without repeating a password."""

import re
import ssl
from typing import Any

import pytest
from pydantic import ValidationError

from app.settings.brokers import tls_options
from tests.unit.given import make

pytestmark = pytest.mark.usefixtures("no_environment")


class TestBrokerUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "redis://localhost:6379/1",
            "redis://:hunter2@host",
            "rediss://user:hunter2@host:6380/0?ssl_cert_reqs=required",
            "amqp://user:hunter2@host:5672//",
            "amqps://host",
            "pyamqp://host",
            "sentinel://host:26379/0;sentinel://other:26379/0",
        ],
    )
    def test_a_broker_is_taken(self, url: str) -> None:
        assert make(celery_broker_url=url).celery_broker_url == url

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "hunter2",
            "host:6379",
            "redis://",
            "redis:///1",
            "redis://:hunter2@",
            "redis://user:hunter2/1",
            "redis://user:hunter2@host:port/1",
            "redis://user:hunter2@host:70000/1",
            "redis://user:hunter2@[::1/1",
            "http://user:hunter2@host",
            "memory://hunter2",
            "redis://:hunter2@host/name",
            "redis://host/0?hunter2=1",
            "redis://host/0?socket_timeout=hunter2",
            "amqp://host;hunter2",
            "sentinel://host;sentinel://",
            "sqs://hunter2:hunter2@",
        ],
    )
    def test_what_is_none_is_refused_by_name_and_not_repeated(self, url: str) -> None:
        with pytest.raises(ValidationError) as refused:
            make(celery_broker_url=url)
        ((problem),) = refused.value.errors()
        assert problem["loc"] == ("celery_broker_url",)
        assert problem["msg"].startswith("Value error, ")
        assert "hunter2" not in str(refused.value)

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("http://host", "must begin with redis:// or amqp:// or another broker's name that Celery knows"),
            ("redis:///1", "must name a host, as in redis://host.example.com"),
            ("redis://host/name", "must end in the number of a database, as in redis://localhost:6379/0"),
            ("redis://host/0?foo=bar", "has a parameter behind ? that redis-py does not take"),
            ("sqs://", "names sqs, for which a package is missing: celery[sqs] may bring it"),
        ],
    )
    def test_the_refusal_says_what_is_wrong(self, url: str, message: str) -> None:
        with pytest.raises(ValidationError, match=re.escape(message)):
            make(celery_broker_url=url)

    @pytest.mark.parametrize(
        ("url", "options"),
        [
            ("redis://host", None),
            ("rediss://host", {"ssl_cert_reqs": ssl.CERT_REQUIRED}),
            ("rediss://host?ssl_cert_reqs=none", None),
            ("amqp://host", None),
            ("amqps://host", {"server_hostname": "host"}),
        ],
    )
    def test_a_certificate_is_checked(self, url: str, options: dict[str, Any] | None) -> None:
        assert tls_options(url) == options

    def test_what_else_it_needs_is_handed_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CELERY_BROKER_OPTIONS", '{"master_name": "main"}')
        assert make().celery_broker_options == {"master_name": "main"}

    def test_it_is_in_no_representation(self) -> None:
        assert "hunter2" not in repr(make(celery_broker_url="redis://:hunter2@host"))
