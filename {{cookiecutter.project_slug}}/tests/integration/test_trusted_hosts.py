"""The names by which a client may ask: with any other the request is refused before anything looks at it."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import User
from tests.client import Client

NEWCOMER = {"email": "new@example.com", "name": "New", "password": "Password2"}
HOSTS = ("api.example.com", "*.shops.example.com", "127.0.0.1", "[::1]")


@pytest.fixture
def named(client_with: Callable[..., Client]) -> Client:
    return client_with(trusted_hosts=HOSTS)


class TestTrustedHost:
    @pytest.mark.parametrize(
        "host",
        [
            "api.example.com",
            "API.Example.com",
            "api.example.com:8000",
            "a.shops.example.com",
            "a.b.shops.example.com:443",
            "127.0.0.1:8000",
            "[::1]",
            "[::1]:8000",
        ],
    )
    def test_it_is_served_whatever_the_port(self, named: Client, host: str) -> None:
        assert named.get("/posts", headers={"Host": host}).status_code == 200

    def test_any_is_where_the_setting_says_so(self, client_with: Callable[..., Client]) -> None:
        client = client_with(trusted_hosts=("*",))
        assert client.get("/posts", headers={"Host": "elsewhere.example.com"}).status_code == 200


class TestUnknownHost:
    @pytest.mark.parametrize(
        "host",
        [
            "",
            "testserver",
            "example.com",
            "evil-api.example.com",
            "api.example.com.evil.example",
            "shops.example.com",
            "evilshops.example.com",
            "api.example.com@evil.example",
            "127.0.0.2",
            "[::2]:8000",
            "[::1",
            "::1",
            "api.example.com:port",
            "api.example.com, evil.example",
        ],
    )
    def test_it_is_refused_in_the_form_of_every_error(self, named: Client, db: Session, host: str) -> None:
        response = named.post("/auth/register", json=NEWCOMER, headers={"Host": host})
        assert (response.status_code, response.json()) == (400, {"detail": "Unknown host"})
        assert db.scalars(select(User)).all() == []

    def test_nobody_is_sent_to_a_name_that_was_not_asked_for(self, client_with: Callable[..., Client]) -> None:
        client = client_with(trusted_hosts=("www.example.com",))
        response = client.get("/posts", headers={"Host": "example.com"}, follow_redirects=False)
        assert response.status_code == 400

    def test_who_reads_the_metrics_comes_by_any(self, named: Client) -> None:
        answers = [
            named.get(path, headers={"Host": "10.42.0.7:8000"}) for path in ("/metrics", "/metrics/", "/metrics/x")
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 400]

    def test_another_header_is_not_asked(self, named: Client) -> None:
        headers = {"Host": "evil.example", "X-Forwarded-Host": "api.example.com", "Forwarded": "host=api.example.com"}
        assert named.get("/posts", headers=headers).status_code == 400
