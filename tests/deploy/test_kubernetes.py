"""Kubernetes would take the resources, and they say what the code and its other files say."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from streams.observe.health import Health, Heartbeat, Readiness
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings, variable
from streams.worker.worker import HAND_ON_S
from tests.deploy.custom_resources import SPECS, schema_of
from tests.prometheus import ROOT

HERE = ROOT / "deploy" / "kubernetes"
FOLDERS = (HERE, HERE / "kafka")
FILES = sorted(p for folder in FOLDERS for p in folder.glob("*.yaml"))
RESOURCES: list[tuple[Path, dict[str, Any]]] = [
    (path, resource)
    for path in FILES
    if path.name != "kustomization.yaml"
    for resource in yaml.safe_load_all(path.read_text())
]
KUBERNETES = ("1.31", "1.34")  # the oldest that is kept up, and a new one
VARIABLES = {variable(name) for name in Settings.model_fields}


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kubernetes_files", HERE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [resource for _, resource in RESOURCES if resource["kind"] == kind]
    return found


def named(value: object) -> str:
    return f"{value['kind']}-{value['metadata']['name']}" if isinstance(value, dict) else ""


def is_custom(resource: dict[str, Any]) -> bool:
    return (resource["apiVersion"], resource["kind"]) in SPECS


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("resource", [r for _, r in RESOURCES if not is_custom(r)], ids=named)
def test_a_resource_of_kubernetes_follows_its_schema(
    resource: dict[str, Any], version: str
) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("resource", [r for _, r in RESOURCES if is_custom(r)], ids=named)
def test_an_operators_resource_has_the_shape_that_it_reads(resource: dict[str, Any]) -> None:
    schema = schema_of(resource["apiVersion"], resource["kind"])
    jsonschema.Draft202012Validator(schema).validate(resource)


def test_every_file_is_applied_and_every_file_applied_exists() -> None:
    for folder in FOLDERS:
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
        there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert set(listed) == there


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_kubectl_puts_them_together(folder: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = list(yaml.safe_load_all(done.stdout))
    assert len(found) == sum(path.parent == folder for path, _ in RESOURCES)
    assert len({one["metadata"]["namespace"] for one in found}) == 1


def test_what_is_written_from_other_files_is_not_behind_them() -> None:
    stale = [path.name for path, text in generator().outputs().items() if path.read_text() != text]
    assert not stale, "run: python deploy/kubernetes/generate.py"


def test_topics_and_users_are_as_many_as_planned() -> None:
    kinds = [resource["kind"] for _, resource in RESOURCES]
    assert kinds.count("KafkaTopic") == 10
    users = {r["metadata"]["name"] for _, r in RESOURCES if r["kind"] == "KafkaUser"}
    roles = re.findall(
        r'"\$\{[A-Z]+:=(hydrawatch-\w+)\}"', (ROOT / "deploy/kafka/acls.sh").read_text()
    )
    assert users == set(roles) - {"hydrawatch-admin"}


def test_no_user_may_do_more_than_its_role_needs() -> None:
    for _, user in RESOURCES:
        if user["kind"] != "KafkaUser":
            continue
        for acl in user["spec"]["authorization"]["acls"]:
            assert "All" not in acl["operations"]
            assert "Create" not in acl["operations"]
            if "Delete" in acl["operations"]:  # only records of kept state
                assert user["metadata"]["name"] == "hydrawatch-worker"
                assert acl["resource"]["name"] == Settings().state_topic
                assert acl["resource"]["patternType"] == "literal"


def test_no_more_workers_are_started_than_there_are_partitions() -> None:
    partitions = int(of_kind("ConfigMap")["data"]["HYDRAWATCH_PARTITIONS"])
    scaling = of_kind("ScaledObject")["spec"]
    assert scaling["maxReplicaCount"] == partitions
    assert scaling["minReplicaCount"] <= of_kind("StatefulSet")["spec"]["replicas"] <= partitions
    assert scaling["fallback"]["replicas"] <= partitions
    assert scaling["scaleTargetRef"]["name"] == of_kind("StatefulSet")["metadata"]["name"]
    names = set(re.findall(r"hydrawatch_\w+", scaling["triggers"][0]["metadata"]["query"]))
    assert names <= {family.name for family in Metrics().registry.collect()}


def test_a_shadow_worker_that_reads_a_week_back_starts_no_more_live_ones() -> None:
    (trigger,) = of_kind("ScaledObject")["spec"]["triggers"]
    assert re.findall(r"hydrawatch_\w+\{([^}]*)\}", trigger["metadata"]["query"]) == [
        'namespace="hydrawatch",topic!~"hydrawatch-.*",worker_mode!="shadow"'
    ]


def test_the_settings_are_real_and_fit_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = dict(of_kind("ConfigMap")["data"])
    (container,) = of_kind("StatefulSet")["spec"]["template"]["spec"]["containers"]
    for entry in container["env"]:
        given[entry["name"]] = "sixteen letters or more"
    assert set(given) <= VARIABLES
    ca = tmp_path / "ca.crt"
    ca.write_text("")
    given |= {"HYDRAWATCH_TLS_CA": str(ca), "HYDRAWATCH_INSTANCE_ID": "hydrawatch-0"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.instance_id == "hydrawatch-0"
    assert settings.sasl_username in {r["metadata"]["name"] for _, r in RESOURCES}


def test_a_pod_has_time_to_keep_its_state_before_it_is_killed() -> None:
    pod = of_kind("StatefulSet")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > 2 * HAND_ON_S


def test_probes_ask_what_a_worker_answers() -> None:
    (container,) = of_kind("StatefulSet")["spec"]["template"]["spec"]["containers"]
    health = Health(Metrics().registry, Readiness(), Heartbeat())
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert health.answer(container[probe]["httpGet"]["path"])[0] == 200
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports["metrics"] == Settings().metrics_port
    (port,) = of_kind("NetworkPolicy")["spec"]["ingress"][0]["ports"]
    assert port["port"] == ports["metrics"]
    (scraped,) = of_kind("ServiceMonitor")["spec"]["endpoints"]
    assert scraped["port"] in {port["name"] for port in of_kind("Service")["spec"]["ports"]}


def test_everything_selects_the_pods_that_are_started() -> None:
    labels = of_kind("StatefulSet")["spec"]["template"]["metadata"]["labels"]
    selected = [
        of_kind("StatefulSet")["spec"]["selector"]["matchLabels"],
        of_kind("Service")["spec"]["selector"],
        of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        of_kind("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        of_kind("ServiceMonitor")["spec"]["selector"]["matchLabels"],
    ]
    assert all(one == labels for one in selected), json.dumps(selected)


def test_a_pod_is_not_root_and_changes_nothing_of_its_image() -> None:
    pod = of_kind("StatefulSet")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    image = (ROOT / "deploy" / "Containerfile").read_text()
    assert f"\nUSER {pod['securityContext']['runAsUser']}:" in image
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    # Where the image writes: kernels, and its data folder.
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted >= {"/tmp", *re.findall(r"HYDRAWATCH_DATA_DIR=(\S+)", image)}
