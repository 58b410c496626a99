"""What a bake gives to Docker, without one: whether it is valid, complete, shut, and holds no secret."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import run
from tests.variants import Variant

pytestmark = pytest.mark.stage("bake")

COMPOSE = ("compose.yaml", "compose.override.yaml")
OURS = {"web", "migrate", "worker", "worker-mail", "beat"}
READY = {"condition": "service_healthy"}
MIGRATED = {"condition": "service_completed_successfully"}
USER = 10001
# Compose puts the variable's value in place of it.
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")


def composed(project: Path, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((project / name).read_text(encoding="utf-8"))
    return loaded


def services(project: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = composed(project, "compose.yaml")["services"]
    return found


def test_compose_files_are_as_their_schema_says(project: Path) -> None:
    run(project, "check-jsonschema", "--builtin-schema", "vendor.compose-spec", *COMPOSE)


def test_one_service_builds_the_image_for_all_that_wait_for_it(project: Path) -> None:
    found = services(project)
    assert [name for name, service in found.items() if "build" in service] == ["migrate"]
    assert [one for one in composed(project, "compose.override.yaml")["services"].values() if "build" in one] == []
    for name in OURS & set(found):
        assert (found[name]["image"], found[name]["pull_policy"]) == (found["migrate"]["image"], "never"), name
    # What Compose is given, the image takes.
    assert found["migrate"]["build"] == {"context": ".", "args": {"EXTRAS": "${EXTRAS:-}"}}
    assert 'ARG EXTRAS=""\n' in (project / "Dockerfile").read_text(encoding="utf-8")


def test_there_is_a_service_for_each_part_of_the_variant(project: Path, variant: Variant) -> None:
    celery = {"worker", "worker-mail", "beat"} if variant.options["use_celery"] else set()
    servers = {"redis"} if "redis" in variant.servers else set()
    servers |= {"database"} if variant.engine != "sqlite" else set()
    assert set(services(project)) == {"web", "migrate", "proxy"} | celery | servers
    assert set(composed(project, "compose.override.yaml")["services"]) == {"web", "migrate", "mailpit"} | celery


def test_mail_has_a_worker_of_its_own(project: Path, variant: Variant) -> None:
    commands = [one["command"][3:5] for one in services(project).values() if "worker" in one.get("command", [])]
    assert commands == ([["worker", "--no-mail"], ["worker", "--mail"]] if variant.options["use_celery"] else [])


def test_nothing_starts_before_what_it_needs_and_only_the_proxy_is_reached(project: Path, variant: Variant) -> None:
    found = services(project)
    redis = {"redis": READY} if "redis" in variant.servers else {}
    assert found["migrate"].get("depends_on", {}) == ({"database": READY} if "database" in found else {})
    for name in OURS & set(found) - {"migrate"}:
        assert found[name]["depends_on"] == {"migrate": MIGRATED, **redis}, name
    assert all(found[name]["healthcheck"]["test"][0] == "CMD" for name in {"database", "redis"} & set(found))
    assert [name for name, service in found.items() if "ports" in service] == ["proxy"]
    # What it may reach, and who may reach it.
    assert all(found[name]["networks"] == ["within"] for name in {"database", "redis"} & set(found))
    published = [
        port for one in composed(project, "compose.override.yaml")["services"].values() for port in one.get("ports", [])
    ]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_runs_the_program_is_shut_and_writes_nowhere(project: Path, variant: Variant) -> None:
    found = services(project)
    for name in OURS & set(found):
        service = found[name]
        assert (service["init"], service["read_only"], service["tmpfs"]) == (True, True, "/tmp"), name  # noqa: S108 - the container's own
        assert service["cap_drop"] == ["ALL"], name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert service["environment"]["ENVIRONMENT"] == "production", name
        assert service.get("volumes", []) == (["data:/data"] if variant.engine == "sqlite" else []), name
    for name, service in found.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name
    named = {
        volume.partition(":")[0] for one in found.values() for volume in one.get("volumes", []) if volume[0] != "."
    }
    assert named == set(composed(project, "compose.yaml")["volumes"])


def test_who_asks_and_who_stops_a_server_gives_it_the_time_it_needs(project: Path) -> None:
    web = services(project)["web"]
    cli = (project / "app/cli.py").read_text(encoding="utf-8")
    (graceful,) = re.findall(r"timeout_graceful_shutdown=(\d+)", cli)
    assert int(web["stop_grace_period"].removesuffix("s")) > int(web["environment"]["DRAIN_SECONDS"]) + int(graceful)
    # Who asks waits longer than the server for the database, and less than Docker for who asks.
    waits = dict(
        re.findall(r'"(live|ready)": (\d+)', (project / "app/observability/healthcheck.py").read_text(encoding="utf-8"))
    )
    (patience,) = re.findall(
        r"PATIENCE_SECONDS = (\d+)", (project / "app/observability/health.py").read_text(encoding="utf-8")
    )
    (docker,) = re.findall(r"HEALTHCHECK .*--timeout=(\d+)s", (project / "Dockerfile").read_text(encoding="utf-8"))
    assert int(waits["ready"]) > int(patience)
    assert int(waits["live"]) < int(docker)
    caddy = (project / "deploy/Caddyfile").read_text(encoding="utf-8")
    (keepalive,) = re.findall(r"keepalive (\d+)s", caddy)
    assert int(keepalive) < int(web["environment"]["DRAIN_SECONDS"])


def test_no_file_holds_a_secret_and_what_is_required_is_in_env(project: Path, variant: Variant) -> None:
    env = dict(
        line.split("=", 1)
        for line in (project / ".env").read_text(encoding="utf-8").splitlines()
        if re.match("[A-Z_]+=", line)
    )
    example = (project / ".env.example").read_text(encoding="utf-8")
    texts = "".join((project / name).read_text(encoding="utf-8") for name in COMPOSE)
    required = {match["name"] for match in VARIABLE.finditer(texts) if match["rest"].startswith(":?")}
    servers = {"DATABASE_PASSWORD": variant.engine != "sqlite", "REDIS_PASSWORD": "redis" in variant.servers}
    assert required == {name for name, needed in servers.items() if needed}
    documented = (project / "docs/deployment.md").read_text(encoding="utf-8")
    assert [match["name"] for match in VARIABLE.finditer(texts) if match["name"] not in documented] == []
    for name in required:
        assert len(env[name]) >= 32, name
        assert re.search(rf"^{name}=$", example, re.MULTILINE), name
    for key, value in re.findall(r"^ +(\w*(?:PASSWORD|SECRET|KEY|TOKEN)\w*): *(\S.*)", texts, re.MULTILINE):
        assert value.strip('"').startswith(("${", "yes")), key


def test_the_image_is_made_of_what_is_named_and_of_nothing_else(project: Path, variant: Variant) -> None:
    dockerfile = (project / "Dockerfile").read_text(encoding="utf-8")
    python = variant.options.get("python_version", "3.15")
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == [
        "ghcr.io/astral-sh/uv:0.13",
        *[f"python:{python}-slim"] * 2,
    ]
    final = dockerfile.rpartition("\nFROM ")[2]
    assert f"USER {USER}:{USER}" in final
    assert 'CMD ["python", "-m", "app.cli", "serve", "--host", "0.0.0.0"]' in final
    assert not re.search(r"\bENVIRONMENT=|SECRET", dockerfile)
    # Also where they were copied from files that others may not read.
    assert re.search(r"^COPY app app\n(#.*\n)*RUN chmod -R a\+rX \. ", dockerfile, re.MULTILINE)
    ignored, *kept = [
        line
        for line in (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line[:1] not in {"#", ""}
    ]
    assert ignored == "*"
    copied = {word for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.MULTILINE) for word in line.split()}
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == {
        word.removesuffix("*") for word in copied
    }
    # The uv that builds the image is the one that everything else is done with.
    (wanted,) = re.findall(
        r"^wanted='uv>=([\d.]+),", (project / "scripts/uv").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert f"uv:{wanted} " in dockerfile
