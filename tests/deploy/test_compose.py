"""docker-compose.yml: nothing listens beyond this machine, versions are pinned, commands are real."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer.main
import yaml

from streams.cli.main import app
from streams.settings.settings import Settings, variable
from tests.kafka.jars import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name for name, one in SERVICES.items() if one["image"].startswith("hydrawatch:")}
ONE_SHOT = {"topics", "gateway"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert "network_mode" not in SERVICES[name]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - OURS))
def test_an_image_of_others_is_pinned_by_its_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


def test_the_broker_is_the_one_that_the_tests_run_on() -> None:
    (version,) = re.findall(
        "<kafka.version>(.*)</kafka.version>", (ROOT / "deploy/kafka/pom.xml").read_text()
    )
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_what_stays_up_is_watched_and_started_again(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nobody_gains_privileges(name: str) -> None:
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    assert not SERVICES[name].get("privileged")
    if name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_commands_and_variables_exist(name: str) -> None:
    known = {variable(field) for field in Settings.model_fields}
    assert set(SERVICES[name]["environment"]) <= known
    words = list(SERVICES[name]["command"])
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context(name, words)  # refuses an unknown option or a value out of range


def test_the_worker_starts_after_its_topics_and_these_after_the_broker() -> None:
    for name in ("worker", "more-workers", "gateway"):
        after = SERVICES[name]["depends_on"]
        assert after == {"topics": {"condition": "service_completed_successfully"}}
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_the_plain_command_brings_up_all_but_the_demo_and_more_workers() -> None:
    plain = {name for name, one in SERVICES.items() if not one.get("profiles")}
    assert plain == {"kafka", "topics", "worker", "prometheus", "grafana"}
