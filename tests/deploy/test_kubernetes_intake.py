"""Kubernetes would take the intake's resources, and they say what the code says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import typer.main
import yaml

from streams.cli.main import app
from streams.intake.server import DRAIN_S
from streams.intake.sink import FLUSH_S
from streams.kafka import producers
from streams.settings.intake_rules import refuse_open_doors
from streams.settings.settings import Settings, variable
from tests.deploy.custom_resources import SPECS, schema_of
from tests.places import ROOT

HERE = ROOT / "deploy" / "kubernetes" / "intake"
RESOURCES: list[dict[str, Any]] = [
    resource
    for path in sorted(HERE.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for resource in yaml.safe_load_all(path.read_text())
]


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [resource for resource in RESOURCES if resource["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    found: dict[str, Any] = of_kind("Deployment")["spec"]["template"]["spec"]
    return found


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return dict(found)


@pytest.mark.parametrize("version", ["1.31", "1.34"])
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one["kind"])
def test_a_resource_follows_its_schema(resource: dict[str, Any], version: str) -> None:
    if (resource["apiVersion"], resource["kind"]) in SPECS:
        schema = schema_of(resource["apiVersion"], resource["kind"])
        jsonschema.Draft202012Validator(schema).validate(resource)
    else:
        kubernetes_validate.validate(resource, version, strict=True)


def test_every_file_is_applied() -> None:
    listed = yaml.safe_load((HERE / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {path.name for path in HERE.glob("*.yaml")} - {"kustomization.yaml"}


def test_the_command_and_its_settings_are_real_and_fit_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = list(container()["args"])
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("intake", words)
    given = dict(of_kind("ConfigMap")["data"])
    given |= {entry["name"]: "sixteen letters or more" for entry in container()["env"]}
    assert set(given) <= {variable(name) for name in Settings.model_fields}
    for name, value in given.items():
        if value.startswith("/"):
            value = str(tmp_path / Path(value).name)  # noqa: PLW2901
            Path(value).write_text("a secret of more than sixteen letters")
        monkeypatch.setenv(name, value)
    settings = Settings()
    refuse_open_doors(settings)
    users = yaml.safe_load_all((HERE.parent / "kafka" / "users.yaml").read_text())
    assert settings.sasl_username in {user["metadata"]["name"] for user in users}


def test_ports_and_probes_are_where_the_process_listens() -> None:
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    settings = Settings()
    assert ports == {"intake": settings.intake_port, "metrics": settings.metrics_port}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container()[probe]["httpGet"]["port"] == "metrics"
    opened = {
        p["port"] for rule in of_kind("NetworkPolicy")["spec"]["ingress"] for p in rule["ports"]
    }
    assert opened == set(ports.values())
    (scraped,) = of_kind("ServiceMonitor")["spec"]["endpoints"]
    assert scraped["port"] in {port["name"] for port in of_kind("Service")["spec"]["ports"]}


def test_a_pod_has_time_to_answer_and_to_deliver_before_it_is_killed() -> None:
    longest = DRAIN_S + FLUSH_S + producers.FLUSH_S + producers.CLOSE_S
    assert pod()["terminationGracePeriodSeconds"] > longest


def test_everything_selects_the_pods_that_are_started_and_no_worker() -> None:
    labels = of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]
    for kind, path in (
        ("Deployment", ("selector", "matchLabels")),
        ("Service", ("selector",)),
        ("PodDisruptionBudget", ("selector", "matchLabels")),
        ("NetworkPolicy", ("podSelector", "matchLabels")),
        ("ServiceMonitor", ("selector", "matchLabels")),
    ):
        selected = of_kind(kind)["spec"]
        for step in path:
            selected = selected[step]
        assert selected == labels
    assert labels != {"app.kubernetes.io/name": "hydrawatch"}


def test_a_pod_is_not_root_and_changes_nothing_of_its_image() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container()["volumeMounts"]} >= {
        "/tmp",
        "/var/lib/hydrawatch",
    }
