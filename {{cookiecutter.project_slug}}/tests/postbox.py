"""A mail server in the tests' own process, to which the application delivers. A plugin, see `addopts`."""

import os
import re
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

HOST = "127.0.0.1"


class Postbox:
    """Takes every mail, or answers `refusal` instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        # Of each mail, what the envelope said.
        self.recipients: list[list[str]] = []
        self.refusal: str | None = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - the server calls it so
        if self.refusal is None and isinstance(envelope.content, bytes):
            self.mails.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default))
            self.recipients.append(envelope.rcpt_tos)
        return self.refusal or "250 Taken"


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    """Return what a mail says, as plain text or as HTML."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def token_in(message: EmailMessage) -> str:
    """Return the token in the link of a mail."""
    (token,) = re.findall(r"#token=(\S+)", text_of(message))
    return str(token)


_postbox = Postbox()
_server: Controller | None = None


def free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def pytest_load_initial_conftests() -> None:
    """Start it, before the settings are read and after `tests.environment`, which is registered later, has set the defaults."""
    global _server  # noqa: PLW0603 - one a process, stopped by another hook
    _server = Controller(_postbox, hostname=HOST, port=free_port())
    _server.start()
    os.environ["MAIL_URL"] = f"smtp://{HOST}:{_server.port}"


def pytest_unconfigure() -> None:
    if _server is not None:
        _server.stop()


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    """The mails of this test."""
    _postbox.mails.clear()
    _postbox.recipients.clear()
    yield _postbox
    _postbox.refusal = None
