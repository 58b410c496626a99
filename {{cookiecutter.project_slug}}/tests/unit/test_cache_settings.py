"""The settings of the cache: what is taken, and what is refused without repeating a password."""

import pytest

from tests.unit.given import make, refusal

REFUSAL = "Value error, must begin with redis:// or rediss:// and name a host"

pytestmark = pytest.mark.usefixtures("no_environment")


class TestRedisUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "redis://host",
            "redis://host:6380/3",
            "rediss://user:hunter2@host:6379/0",
            "redis://:hun%2Fter2@[::1]:6379/0?client_name=shop",
        ],
    )
    def test_a_url_of_redis_is_taken_as_it_is(self, url: str) -> None:
        assert make(redis_url=url).redis_url == url

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "hunter2",
            "host:6379",
            "redis://",
            "redis:///0",
            "redis://:hunter2@",
            "redis://:hunter2@:6379/0",
            "redis://:hunter2@host:port/0",
            "redis://:hunter2@host:65536/0",
            "redis://:hunter2@host:0/0",
            "redis://:hun/ter2@host:6379/0",
            "redis://[:hunter2@host:6379",
            "http://:hunter2@host:6379/0",
            "unix:///run/redis/hunter2.sock",
        ],
    )
    def test_another_is_refused_by_the_name_of_the_setting(self, url: str) -> None:
        error = refusal(redis_url=url)
        assert [(problem["loc"], problem["msg"]) for problem in error.errors()] == [(("redis_url",), REFUSAL)]
        assert "redis_url" in str(error)
        assert "ter2" not in str(error)

    @pytest.mark.parametrize(
        ("end", "message"),
        [
            ("hunter2", "must end in the number of a database, as in redis://localhost:6379/0"),
            ("0?hunter2=1", "has a parameter behind ? that redis-py does not take"),
            ("0?socket_timeout=hunter2", "has a parameter behind ? that redis-py does not take"),
        ],
    )
    def test_one_that_redis_py_could_not_use_is_refused(self, end: str, message: str) -> None:
        error = refusal(redis_url=f"redis://host/{end}")
        assert [problem["msg"] for problem in error.errors()] == [f"Value error, {message}"]
        assert "hunter2" not in str(error)

    def test_the_password_is_in_no_representation(self) -> None:
        assert "hunter2" not in repr(make(redis_url="redis://:hunter2@host"))


class TestCache:
    def test_the_defaults_are_for_a_server_on_this_machine(self) -> None:
        settings = make()
        assert (settings.redis_url, settings.cache_seconds) == ("redis://localhost:6379/0", 300)

    @pytest.mark.parametrize("seconds", [1, 24 * 3600])
    def test_values_may_be_kept_for_a_second_to_a_day(self, seconds: int) -> None:
        assert make(cache_seconds=seconds).cache_seconds == seconds

    @pytest.mark.parametrize("seconds", [0, -1, 24 * 3600 + 1, 0.5, "", "long"])
    def test_they_may_be_kept_for_no_other_time(self, seconds: object) -> None:
        assert [problem["loc"] for problem in refusal(cache_seconds=seconds).errors()] == [("cache_seconds",)]

    def test_the_prefix_of_the_keys_is_not_empty(self) -> None:
        assert [problem["loc"] for problem in refusal(cache_prefix="").errors()] == [("cache_prefix",)]

    def test_the_defaults_are_overruled_by_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
        monkeypatch.setenv("CACHE_PREFIX", "mine")
        monkeypatch.setenv("CACHE_SECONDS", "7")
        settings = make()
        assert (settings.redis_url, settings.cache_prefix, settings.cache_seconds) == ("redis://elsewhere", "mine", 7)
