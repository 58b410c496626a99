"""Settings of Redis and the cache."""

import pytest

from tests.unit.given import complaints, make, refusal

pytestmark = pytest.mark.usefixtures("no_environment")

PARAMETER = "has a query parameter that redis-py doesn't accept"
DATABASE = "must end with a database number, as in redis://localhost:6379/0"


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "rediss://user:hunter2@host:6379/0",
        "redis://:hun%2Fter2@[::1]:6379/0?client_name=shop",
    ],
)
def test_a_url_of_redis_is_accepted_as_it_is(url: str) -> None:
    settings = make(redis_url=url)
    assert settings.redis_url == url
    assert "ter2" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        *[
            (url, "must begin with redis:// or rediss:// and name a host")
            for url in (
                "",
                "hunter2",
                "host:6379",
                "redis:///0",
                "redis://:hunter2@:6379/0",
                "redis://:hunter2@host:port/0",
                "redis://:hunter2@host:65536/0",
                "redis://:hunter2@host:0/0",
                "redis://:hun/ter2@host:6379/0",
                "redis://[:hunter2@host:6379",
                "http://:hunter2@host:6379/0",
                "unix:///run/redis/hunter2.sock",
            )
        ],
        ("redis://host/hunter2", DATABASE),
        ("redis://host/0?hunter2=1", PARAMETER),
        ("redis://host/0?socket_timeout=hunter2", PARAMETER),
    ],
)
def test_another_url_is_refused_and_not_repeated(url: str, message: str) -> None:
    error = refusal(redis_url=url)
    assert [(problem["loc"], problem["msg"]) for problem in error.errors()] == [
        (("redis_url",), f"Value error, {message}")
    ]
    assert "ter2" not in str(error)


def test_the_cache_has_a_prefix_and_a_lifetime() -> None:
    assert [make(cache_seconds=seconds).cache_seconds for seconds in (1, 86_400)] == [1, 86_400]
    for values in ({"cache_seconds": 0}, {"cache_seconds": 86_401}, {"cache_prefix": ""}):
        assert [where for where, _ in complaints(**values)] == [tuple(values)]
