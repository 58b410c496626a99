"""The settings of mail."""

import pytest

from tests.unit.given import complaints, make

pytestmark = pytest.mark.usefixtures("no_environment")


class TestMailUrl:
    @pytest.mark.parametrize(
        "url",
        ["console://", "smtp://host", "smtp://user:hunter2@host:587", "smtps://user:hunter2@host", "smtp://[::1]:25"],
    )
    def test_a_server_or_the_console_is_taken(self, url: str) -> None:
        assert make(mail_url=url).mail_url == url

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "host",
            "smtp://",
            "http://user:hunter2@host",
            "smtp://user:hunter2@host:port",
            "smtp://user:hunter2@host:0",
            "smtp://user:hunter2@host:65536",
            "smtp://[::1",
        ],
    )
    def test_another_url_is_refused_and_not_repeated(self, url: str) -> None:
        message = "Value error, must begin with console:// or smtp:// or smtps:// and name a host"
        assert complaints(mail_url=url) == [(("mail_url",), message)]

    def test_the_sender_is_an_address(self) -> None:
        assert [where for where, _ in complaints(mail_from="nobody")] == [("mail_from",)]
