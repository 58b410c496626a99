"""Where the servers come from, and what is said where they can't."""

import contextlib
import re
from dataclasses import replace
from pathlib import Path

import psycopg
import pymysql
import pytest

from tests import databases
from tests.servers import KINDS, NAMES, ServersMissing, apt, binaries, containers, provide, providers
from tests.servers.keeper import ServerFailed
from tests.servers.kinds import Kind, NotAnswering

REDIS = KINDS["redis"]


def pretended(url: str) -> contextlib.AbstractContextManager[str]:
    return contextlib.nullcontext(url)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS.values():
        monkeypatch.delenv(kind.variable, raising=False)


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without Docker, without binaries and without apt."""
    monkeypatch.setattr(containers, "running", lambda: False)
    monkeypatch.setattr(binaries, "installed", lambda kind: False)
    monkeypatch.setattr(apt, "usable", lambda: False)
    return monkeypatch


@pytest.mark.parametrize("name", NAMES)
def test_a_server_answers_while_it_is_provided_and_not_afterwards(name: str) -> None:
    kind = KINDS[name]
    with provide([name]) as variables:
        url = variables[kind.variable]
        kind.ask(url)
    with pytest.raises(NotAnswering):
        kind.ask(url)


@pytest.mark.parametrize("name", ["postgresql", "mysql"])
def test_its_user_may_create_databases_whose_names_hold_any_letter(name: str) -> None:
    with provide([name]) as variables:
        url = variables[KINDS[name].variable]
        databases.execute(url, "CREATE DATABASE", "größe_test")
        with pytest.raises((psycopg.Error, pymysql.Error)):
            databases.execute(url, "CREATE DATABASE", "größe_test")
        databases.drop(url, "größe_test")


@pytest.mark.parametrize(
    ("variable", "url", "sentence"),
    [
        ("TEST_REDIS_URL", "mysql://127.0.0.1", "TEST_REDIS_URL must start with redis://."),
        ("TEST_MYSQL_URL", "localhost:3306", "TEST_MYSQL_URL must start with mysql:// or mariadb://."),
        ("TEST_REDIS_URL", "redis://127.0.0.1:1/0", "The server that TEST_REDIS_URL names does not answer: "),
        ("TEST_MYSQL_URL", "mysql://a:b@127.0.0.1:1/", "The server that TEST_MYSQL_URL names does not answer: "),
        (
            "TEST_POSTGRESQL_URL",
            "postgresql://127.0.0.1:1/",
            "The server that TEST_POSTGRESQL_URL names does not answer",
        ),
    ],
)
def test_a_variable_that_names_no_server_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, url)
    name = next(kind.name for kind in KINDS.values() if kind.variable == variable)
    with pytest.raises(ServersMissing, match=re.escape(sentence)), provide([name]):
        pass


def test_a_variable_comes_before_docker(bare_machine: pytest.MonkeyPatch) -> None:
    bare_machine.setattr(containers, "running", lambda: True)
    bare_machine.setattr(containers, "run", lambda kind: pretended("redis://docker"))
    bare_machine.setenv("TEST_REDIS_URL", "redis://given")
    bare_machine.setitem(KINDS, "redis", replace(REDIS, ask=lambda url: None))
    with provide(["redis"]) as variables:
        assert variables == {"TEST_REDIS_URL": "redis://given"}


def test_docker_comes_before_the_binaries(bare_machine: pytest.MonkeyPatch) -> None:
    bare_machine.setattr(containers, "running", lambda: True)
    bare_machine.setattr(containers, "run", lambda kind: pretended("redis://docker"))
    bare_machine.setattr(binaries, "installed", lambda kind: True)
    with provide(["redis"]) as variables:
        assert variables == {"TEST_REDIS_URL": "redis://docker"}


def test_the_binaries_serve_where_docker_has_no_image(
    bare_machine: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_image(kind: Kind) -> contextlib.AbstractContextManager[str]:
        raise containers.ContainerFailed("no such image")

    bare_machine.setattr(containers, "running", lambda: True)
    bare_machine.setattr(containers, "run", no_image)
    bare_machine.setattr(binaries, "installed", lambda kind: True)
    bare_machine.setattr(binaries, "program_of", lambda name: "/usr/bin/redis-server")
    bare_machine.setattr(binaries, "run", lambda kind: pretended("redis://127.0.0.1:7"))
    with provide(["redis"]) as variables:
        assert variables == {"TEST_REDIS_URL": "redis://127.0.0.1:7"}
    assert "redis: /usr/bin/redis-server, port 7" in capsys.readouterr().err


def test_apt_installs_the_binaries_that_are_missing(bare_machine: pytest.MonkeyPatch) -> None:
    packages: list[str] = []
    bare_machine.setattr(apt, "usable", lambda: True)
    bare_machine.setattr(apt, "install", packages.extend)
    bare_machine.setattr(binaries, "installed", lambda kind: bool(packages))
    bare_machine.setattr(binaries, "program_of", lambda name: "/usr/bin/redis-server")
    bare_machine.setattr(binaries, "run", lambda kind: pretended("redis://127.0.0.1:7"))
    with provide(["redis"]):
        assert packages == ["redis-server"]


def test_a_machine_that_can_not_serve_says_what_to_install(bare_machine: pytest.MonkeyPatch) -> None:
    sentence = (
        "The tests need MySQL or MariaDB: set TEST_MYSQL_URL to a server's URL, start Docker, "
        "or install the server (on Debian and Ubuntu: apt-get install mariadb-server)."
    )
    with pytest.raises(ServersMissing, match=re.escape(sentence)), provide(["mysql"]):
        pass


def test_what_was_tried_is_part_of_the_sentence(bare_machine: pytest.MonkeyPatch) -> None:
    def offline(packages: object) -> None:
        raise apt.InstallFailed("apt-get update failed: no network")

    def broken(kind: Kind) -> contextlib.AbstractContextManager[str]:
        raise ServerFailed("redis-server ended while starting")

    bare_machine.setattr(apt, "usable", lambda: True)
    bare_machine.setattr(apt, "install", offline)
    with (
        pytest.raises(ServersMissing, match=r"need Redis \(apt-get update failed: no network\): set"),
        provide(["redis"]),
    ):
        pass
    bare_machine.setattr(binaries, "installed", lambda kind: True)
    bare_machine.setattr(binaries, "run", broken)
    with pytest.raises(ServersMissing, match=r"need Redis \(redis-server ended while starting\)"), provide(["redis"]):
        pass


def test_services_are_refused_their_start_while_apt_installs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(apt, "POLICY", policy)
    seen: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        apt, "apt_get", lambda *arguments: seen.append((arguments[0], "exit 101" in policy.read_text()))
    )
    apt.install(["redis-server"])
    assert seen == [("update", True), ("install", True)]
    assert not policy.exists()


def test_a_policy_of_the_machine_itself_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("its own")
    monkeypatch.setattr(apt, "POLICY", policy)
    with apt.no_service_started():
        pass
    assert policy.read_text() == "its own"


def test_every_kind_has_a_program_an_image_and_a_package() -> None:
    assert set(NAMES) == set(binaries.PLANS) == set(binaries.PROGRAMS) == set(containers.IMAGES)
    assert all(kind.packages for kind in KINDS.values())
    assert providers.missing(REDIS, []).count("\n") == 0
