"""What the brokers show of the topics at one moment, and what of that is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    ends,
    partition_counts,
)
from streams.topics.plan import OF_WORKERS, PLANS, TopicPlan, partitions_of, pipeline_of


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

    `problems` as `verify` gives them; partitions as (topic, number); `ends` of those that were asked for;
    `ids` of the topics that exist, None where the broker tells none.
    """

    problems: list[Problem]
    leaderless: frozenset[tuple[str, int]] = frozenset()
    under_min_isr: frozenset[tuple[str, int]] = frozenset()
    ids: Mapping[str, object] = field(default_factory=dict)
    ends: Mapping[tuple[str, int], int] = field(default_factory=dict)


def verify(settings: Settings, partitions: int | None = None) -> list[Problem]:
    """What is wrong with the topics at the broker; empty when a worker may start.

    Raises BrokerError if the broker does not answer.
    """
    return look(settings, configured(settings, partitions).config.engine.partitions).problems


def look(
    settings: Settings, count: int, answer_ms: int = ANSWER_MS, ends_of: Collection[str] = ()
) -> TopicStatus:
    """What the brokers say of the topics of a pipeline of `count` partitions.

    `ends_of` names topics of whose partitions the ends are asked for, as far as they have leaders.
    Raises BrokerError if none answers in time.
    """
    names = [plan.name(settings) for plan in OF_WORKERS]
    with connected(settings, answer_ms) as admin:
        described = descriptions(admin, names)
        configs = configurations(admin, list(described))
        places = [
            ((name, one["partition_index"]), one)
            for name, topic in described.items()
            for one in topic["partitions"]
        ]
        led = [place for place, one in places if one["leader_id"] >= 0 and place[0] in ends_of]
        found = ends(admin, led, answer_ms)
    return TopicStatus(
        _problems(settings, count, described, configs),
        frozenset(place for place, one in places if one["leader_id"] < 0),
        frozenset(
            place
            for place, one in places
            if len(one["isr_nodes"]) < _needed(one, configs.get(place[0], {}))
        ),
        {name: topic.get("topic_id") for name, topic in described.items()},
        found,
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


def wrong_count(settings: Settings, setting: str, found: int) -> str:
    """What to do about a topic that has so many partitions, whatever the pipeline's number is."""
    (plan,) = (one for one in PLANS if one.setting == setting)
    count = configured(settings).config.engine.partitions
    name = plan.name(settings)
    return str(_other_count(plan, name, found, partitions_of(plan, count), count))


def _other_count(plan: TopicPlan, name: str, found: int, wanted: int, count: int) -> Problem:
    """A topic that has `found` partitions and not `wanted`, as a pipeline of `count` needs."""
    fitting = pipeline_of(plan, found)
    mend = (
        f"name a new topic in {variable(plan.setting)} and create it (`hydrawatch topics create`)"
    )
    if fitting is not None:
        mend = f"set HYDRAWATCH_PARTITIONS={fitting} if all topics agree on it, or {mend}"
    two_each = f": one for each stage, that is 2 x {count} + 1" if plan.spread == "stages" else ""
    return Problem(name, f"has {found} partitions, not {wanted}{two_each}", mend)


def _problems(
    settings: Settings,
    count: int,
    described: Mapping[str, Any],
    configs: Mapping[str, Mapping[str, str]],
) -> list[Problem]:
    present = {name: len(topic["partitions"]) for name, topic in described.items()}
    problems = []
    for plan in OF_WORKERS:
        name = plan.name(settings)
        if name not in present:
            mend = f"run: hydrawatch topics create --partitions {count}"
            problems.append(Problem(name, f"is missing ({plan.role})", mend))
            continue
        wanted = partitions_of(plan, count)
        if plan.spread != "free" and present[name] != wanted:
            problems.append(_other_count(plan, name, present[name], wanted, count))
        if "compact" in configs.get(name, {}).get("cleanup.policy", "delete"):
            mend = (
                f"run: kafka-configs.sh --alter --entity-type topics --entity-name {name} "
                "--add-config cleanup.policy=delete"
            )
            message = "is compacted, which deletes all but the newest record of each key"
            problems.append(Problem(name, message, mend))
    return problems
