"""The manifests for Kubernetes, without one: whether they are valid, complete, restricted, and hold no secret."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.variants import Variant

pytestmark = pytest.mark.stage("bake")

KUBERNETES = "deploy/kubernetes"
USER = 10001


def manifests(project: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every resource of every file, by the file's name."""
    for path in sorted((project / KUBERNETES).glob("*.yaml")):
        if path.name != "kustomization.yaml":
            for resource in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield path.name, resource


def kinds(project: Path) -> set[tuple[str, str]]:
    return {(resource["kind"], resource["metadata"]["name"]) for _, resource in manifests(project)}


def pods(project: Path) -> Iterator[dict[str, Any]]:
    for _, resource in manifests(project):
        if resource["kind"] in {"Deployment", "Job"}:
            yield resource["spec"]["template"]["spec"]


def settings_of(project: Path) -> dict[str, str]:
    (settings,) = [one["data"] for _, one in manifests(project) if one["kind"] == "ConfigMap"]
    found: dict[str, str] = settings
    return found


def test_the_manifests_are_as_their_schemas_say_and_all_listed(project: Path, variant: Variant) -> None:
    files = {name for name, _ in manifests(project)}
    for name, resource in manifests(project):
        assert kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True), name
    kustomization = yaml.safe_load((project / KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8"))
    assert set(kustomization["resources"]) == files
    assert len(kustomization["resources"]) == len(files)
    (image,) = kustomization["images"]
    assert {container["image"] for pod in pods(project) for container in containers(pod)} == {image["name"]}
    scaled = {("HorizontalPodAutoscaler", "web"), ("PodDisruptionBudget", "web"), ("Job", "migrate")}
    expected = {("ConfigMap", "settings"), ("Deployment", "web"), ("Service", "web"), ("Ingress", "web")}
    expected |= {("NetworkPolicy", "closed"), ("NetworkPolicy", "web")}
    expected |= {("PersistentVolumeClaim", "data")} if variant.engine == "sqlite" else scaled
    expected |= {("Deployment", "worker"), ("Deployment", "beat")} if variant.options["use_celery"] else set()
    assert kinds(project) == expected


def test_mail_has_a_worker_of_its_own(project: Path, variant: Variant) -> None:
    commands = [one["args"][3:5] for pod in pods(project) for one in pod["containers"] if "worker" in one.get("args", [])]
    assert commands == ([["worker", "--no-mail"], ["worker", "--mail"]] if variant.options["use_celery"] else [])


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_pods_are_as_restricted_as_the_standard_asks_and_have_limits(project: Path) -> None:
    for pod in pods(project):
        context = pod["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"]) == (True, USER)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
            assert [list(source) for source in container["envFrom"]] == [["configMapRef"], ["secretRef"]]


def test_a_probe_asks_by_a_name_that_is_trusted_for_what_is_there(project: Path) -> None:
    (web,) = [pod["containers"][0] for pod in pods(project) if pod["containers"][0]["name"] == "web"]
    asked = {name: web[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert [asked[name]["path"] for name in asked] == ["/health/live", "/health/live", "/health/ready"]
    for probe in asked.values():
        assert probe["httpHeaders"] == [{"name": "Host", "value": "localhost"}]
        assert probe["port"] == "http"
    assert '"localhost"' in settings_of(project)["TRUSTED_HOSTS"]
    singles = [one["spec"] for _, one in manifests(project) if one["metadata"]["name"] == "beat"]
    assert all((one["replicas"], one["strategy"]) == (1, {"type": "Recreate"}) for one in singles)


def test_the_settings_are_variables_of_the_project_and_none_is_secret(project: Path) -> None:
    example = (project / ".env.example").read_text(encoding="utf-8")
    assert set(settings_of(project)) <= set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    secret = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_PASSWORD", "MAIL_URL", "METRICS_TOKEN"}
    assert not secret & set(settings_of(project))
    documented = (project / "docs/deployment.md").read_text(encoding="utf-8")
    # The ingress leads to /metrics too.
    assert {"SECRET_KEY", "MAIL_URL", "METRICS_TOKEN"} <= set(re.findall(r"--from-literal=([A-Z_]+)=", documented))
    assert "Secret" not in {kind for kind, _ in kinds(project)}


def test_the_web_pods_take_requests_from_the_ingress_controller_alone(project: Path) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for _, one in manifests(project) if one["kind"] == "NetworkPolicy"}
    assert policies["closed"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    (rule,) = policies["web"]["ingress"]
    assert [list(source) for source in rule["from"]] == [["namespaceSelector"]]
    assert settings_of(project)["TRUSTED_PROXIES"] == "[]"


def test_nobody_works_on_a_file_before_its_tables_are_up_to_date(project: Path, variant: Variant) -> None:
    first = {
        pod["containers"][0]["name"]: [one["args"] for one in pod.get("initContainers", [])] for pod in pods(project)
    }
    waits = [["sh", "-c", "until alembic current --check-heads; do sleep 2; done"]]
    migrates = [["python", "-m", "app.cli", "migrate"]]
    expected = {"web": migrates} | ({"worker": waits, "beat": waits} if variant.options["use_celery"] else {})
    assert {name: args for name, args in first.items() if args} == (expected if variant.engine == "sqlite" else {})
    strategies = [
        one["spec"]["strategy"]
        for _, one in manifests(project)
        if one["kind"] == "Deployment" and variant.engine == "sqlite"
    ]
    assert all(strategy == {"type": "Recreate"} for strategy in strategies)


def test_a_pod_has_the_time_to_drain_before_it_is_killed(project: Path) -> None:
    (graceful,) = re.findall(r"timeout_graceful_shutdown=(\d+)", (project / "app/cli.py").read_text(encoding="utf-8"))
    (web,) = [pod for pod in pods(project) if pod["containers"][0]["name"] == "web"]
    assert web["terminationGracePeriodSeconds"] > int(settings_of(project)["DRAIN_SECONDS"]) + int(graceful)
