"""What the brokers show of the topics at one moment, and what of that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detectors.errors import ConfigError
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings, variable
from streams.topics.admin import (
    ANSWER_MS,
    configurations,
    connected,
    descriptions,
    partition_counts,
)
from streams.topics.plan import PLANS, partitions_of


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one topic, and the command that mends it."""

    topic: str
    message: str
    mend: str

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.message}; {self.mend}"


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """The topics as the brokers show them at one moment.

    `problems` as `verify` gives them; partitions as (topic, number); `ids` of the topics that exist,
    None where the broker tells none.
    """

    problems: list[Problem]
    leaderless: frozenset[tuple[str, int]] = frozenset()
    under_min_isr: frozenset[tuple[str, int]] = frozenset()
    ids: Mapping[str, object] = field(default_factory=dict)


def verify(settings: Settings, partitions: int | None = None) -> list[Problem]:
    """What is wrong with the topics at the broker; empty when a worker may start.

    Raises BrokerError if the broker does not answer.
    """
    return look(settings, configured(settings, partitions).config.engine.partitions).problems


def look(settings: Settings, count: int, answer_ms: int = ANSWER_MS) -> TopicStatus:
    """What the brokers say of the topics of a pipeline of `count` partitions.

    Raises BrokerError if none answers in time.
    """
    names = [plan.name(settings) for plan in PLANS]
    with connected(settings, answer_ms) as admin:
        described = descriptions(admin, names)
        configs = configurations(admin, list(described))
    places = [
        ((name, one["partition_index"]), one)
        for name, topic in described.items()
        for one in topic["partitions"]
    ]
    return TopicStatus(
        _problems(settings, count, described, configs),
        frozenset(place for place, one in places if one["leader_id"] < 0),
        frozenset(
            place
            for place, one in places
            if len(one["isr_nodes"]) < _needed(one, configs.get(place[0], {}))
        ),
        {name: topic.get("topic_id") for name, topic in described.items()},
    )


def partition_count(settings: Settings, topic: str) -> int:
    """How many partitions a topic has; ConfigError with the mend if there is no such topic."""
    with connected(settings) as admin:
        present = partition_counts(admin, [topic])
    if topic not in present:
        raise ConfigError(
            f"topic {topic} is missing at {settings.broker}; run: hydrawatch topics create "
            f"--partitions {configured(settings).config.engine.partitions}"
        )
    return present[topic]


def _needed(partition: Mapping[str, Any], config: Mapping[str, str]) -> int:
    # Kafka asks for no more than there are.
    return min(len(partition["replica_nodes"]), int(config.get("min.insync.replicas", 0)))


def _problems(
    settings: Settings,
    count: int,
    described: Mapping[str, Any],
    configs: Mapping[str, Mapping[str, str]],
) -> list[Problem]:
    present = {name: len(topic["partitions"]) for name, topic in described.items()}
    problems = []
    for plan in PLANS:
        name = plan.name(settings)
        if name not in present:
            mend = f"run: hydrawatch topics create --partitions {count}"
            problems.append(Problem(name, f"is missing ({plan.role})", mend))
            continue
        wanted = partitions_of(plan, count)
        if plan.spread in ("P", "stages") and present[name] != wanted:
            mend = (
                f"set HYDRAWATCH_PARTITIONS={present[name]} if all topics agree on it, or name a "
                f"new topic in {variable(plan.setting)}"
            )
            problems.append(Problem(name, f"has {present[name]} partitions, not {wanted}", mend))
        elif plan.spread == "one" and present[name] != 1:
            mend = f"name a new topic in {variable(plan.setting)} and create it"
            problems.append(Problem(name, f"has {present[name]} partitions, not 1", mend))
        if "compact" in configs.get(name, {}).get("cleanup.policy", "delete"):
            mend = (
                f"run: kafka-configs.sh --alter --entity-type topics --entity-name {name} "
                "--add-config cleanup.policy=delete"
            )
            message = "is compacted, which deletes all but the newest record of each key"
            problems.append(Problem(name, message, mend))
    return problems
