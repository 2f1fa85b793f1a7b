"""Writes what Kubernetes' resources repeat of other files, so that nothing is said twice by hand.

    python deploy/kubernetes/generate.py

kafka/topics.yaml from streams/topics/plan.py, kafka/users.yaml from deploy/kafka/acls.sh, and
prometheus-rule.yaml from deploy/prometheus/rules.yml. A test fails while one is behind.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from streams.settings.settings import Settings
from streams.topics.plan import PLANS, SAFE_REPLICATION, partitions_of

HERE = Path(__file__).resolve().parent
DEPLOY = HERE.parent
CLUSTER = "kafka"  # of the Strimzi resource that describes the brokers
STRIMZI = "kafka.strimzi.io/v1"
NOT_HERE = {"hydrawatch-admin"}  # topics are Strimzi's to create, which has rights of its own
# kafka-acls.sh writes what it is given, a word to a line and an empty line after each call.
RECORDER = '#!/bin/sh\nprintf "%s\\n" "$@" ""\n'


def main() -> int:
    """Write all files."""
    for path, text in outputs().items():
        path.write_text(text, encoding="utf-8")
    return 0


def outputs() -> dict[Path, str]:
    """Every file this script writes, and its text."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
    return {
        HERE / "kafka" / "topics.yaml": _text(topics(), "streams/topics/plan.py"),
        HERE / "kafka" / "users.yaml": _text(users(), "deploy/kafka/acls.sh"),
        HERE / "prometheus-rule.yaml": _text(
            [_named("monitoring.coreos.com/v1", "PrometheusRule", "hydrawatch", rules)],
            "deploy/prometheus/rules.yml",
        ),
    }


def pipeline_partitions() -> int:
    """P, as the workers' ConfigMap says it."""
    for resource in yaml.safe_load_all((HERE / "worker.yaml").read_text()):
        if resource["kind"] == "ConfigMap":
            return int(resource["data"]["HYDRAWATCH_PARTITIONS"])
    raise LookupError("worker.yaml has no ConfigMap")


def topics() -> list[dict[str, Any]]:
    """Each topic of the plan as Strimzi's topic operator takes it."""
    partitions = pipeline_partitions()
    return [
        _strimzi(
            "KafkaTopic",
            plan.name(Settings()),
            {
                "partitions": partitions_of(plan, partitions),
                "replicas": SAFE_REPLICATION,
                "config": plan.config(SAFE_REPLICATION),
            },
        )
        for plan in PLANS
    ]


def users() -> list[dict[str, Any]]:
    """Each role as Strimzi's user operator takes it: a SCRAM password, and its rights."""
    rights: dict[str, list[dict[str, Any]]] = {}
    for words in _calls():
        pairs = list(itertools.pairwise(words))
        given = [value for option, value in pairs if option == "--allow-principal"]
        operations = [value for option, value in pairs if option == "--operation"]
        prefixed = ("--resource-pattern-type", "prefixed") in pairs
        for option, name in pairs:
            if option in ("--topic", "--group"):
                # Kafka's tool gives a group the rights that make sense for it.
                wanted = operations if option == "--topic" else ["Read"]
                resource = {
                    "type": option[2:],
                    "name": name,
                    "patternType": "prefix" if prefixed else "literal",
                }
                rights.setdefault(given[0].removeprefix("User:"), []).append(
                    {"resource": resource, "operations": wanted}
                )
    return [
        _strimzi(
            "KafkaUser",
            user,
            {
                "authentication": {"type": "scram-sha-512"},
                "authorization": {"type": "simple", "acls": acls},
            },
        )
        for user, acls in rights.items()
        if user not in NOT_HERE
    ]


def _calls() -> Iterator[list[str]]:
    """What deploy/kafka/acls.sh asks of kafka-acls.sh, by having it talk to a recorder."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = Path(folder) / "kafka-acls.sh"
        recorder.write_text(RECORDER)
        recorder.chmod(0o700)
        said = subprocess.run(
            [str(DEPLOY / "kafka" / "acls.sh")],
            env={"PATH": os.environ["PATH"], "BOOTSTRAP": "none:1", "KAFKA_ACLS": str(recorder)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    for call in said.split("\n\n"):
        if call.strip():
            yield call.strip().splitlines()


def _strimzi(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    resource = _named(STRIMZI, kind, name, spec)
    resource["metadata"]["labels"]["strimzi.io/cluster"] = CLUSTER
    return resource


def _named(version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "hydrawatch"}},
        "spec": spec,
    }


class _Dumper(yaml.SafeDumper):
    """Writes equal parts out in full, where YAML would refer to the first."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always."""
        return True


def _text(resources: list[dict[str, Any]], source: str) -> str:
    head = f"# Written by deploy/kubernetes/generate.py from {source}: change that and run it.\n"
    return head + yaml.dump_all(resources, Dumper=_Dumper, sort_keys=False, width=100)


if __name__ == "__main__":
    raise SystemExit(main())
