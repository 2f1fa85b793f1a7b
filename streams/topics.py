"""The topics at the broker: creates what is missing, and says what is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from detectors.errors import ConfigError
from streams.broker import BrokerError, blocking_client_options, explained
from streams.configured import configured
from streams.settings import Settings, variable
from streams.topic_plan import PLANS, partitions_of

# How long a broker may take to answer at all; the client's own 30 s keep a person waiting in vain.
ANSWER_MS = 10_000
UNKNOWN_TOPIC = 3
DELETED_S = 30.0


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one topic, and the command that mends it."""

    topic: str
    message: str
    mend: str

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.message}; {self.mend}"


@dataclass(frozen=True, slots=True)
class Created:
    """What `create` found and did for one topic."""

    topic: str
    role: str
    partitions: int
    existed: bool
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sight:
    """The topics as the brokers show them at one moment.

    `problems` as `verify` gives them; partitions as (topic, number); `ids` of the topics that exist,
    None where the broker tells none.
    """

    problems: list[Problem]
    leaderless: frozenset[tuple[str, int]] = frozenset()
    under_min_isr: frozenset[tuple[str, int]] = frozenset()
    ids: Mapping[str, object] = field(default_factory=dict)


def create(
    settings: Settings,
    partitions: int | None = None,
    *,
    replication: int = -1,
    alert_partitions: int = 1,
) -> list[Created]:
    """Create what is missing; topics that exist with the right partitions are left as they are.

    `replication` -1 is the broker's default. Raises ConfigError, before anything is created, if an
    existing topic has another number of partitions; BrokerError if the broker refuses.
    """
    count = configured(settings, partitions).config.engine.partitions
    wanted = {plan.name(settings): partitions_of(plan, count, alert_partitions) for plan in PLANS}
    with _admin(settings) as admin:
        present = _present(admin, list(wanted))
        _refuse_clashes(settings, present, wanted)
        missing = [plan for plan in PLANS if plan.name(settings) not in present]
        if missing:
            outcome = admin.create_topics(
                {
                    plan.name(settings): {
                        "num_partitions": wanted[plan.name(settings)],
                        "replication_factor": replication,
                        "configs": plan.config(replication),
                    }
                    for plan in missing
                },
                raise_errors=False,
            )
            _refuse_failures(outcome)
            # A concurrent `create` (two workers' init containers) may have won the race for some.
            _refuse_clashes(settings, _visible(admin, list(wanted)), wanted)
    return [
        Created(
            topic=(name := plan.name(settings)),
            role=plan.role,
            partitions=present.get(name, wanted[name]),
            existed=name in present,
            config=plan.config(replication),
        )
        for plan in PLANS
    ]


def verify(settings: Settings, partitions: int | None = None) -> list[Problem]:
    """What is wrong with the topics at the broker; empty when a worker may start.

    Raises BrokerError if the broker does not answer.
    """
    return look(settings, configured(settings, partitions).config.engine.partitions).problems


def look(settings: Settings, count: int, answer_ms: int = ANSWER_MS) -> Sight:
    """What the brokers say of the topics of a pipeline of `count` partitions.

    Raises BrokerError if none answers in time.
    """
    names = [plan.name(settings) for plan in PLANS]
    with _admin(settings, answer_ms) as admin:
        described = _described(admin, names)
        configs = _configs(admin, list(described))
    places = [
        ((name, one["partition_index"]), one)
        for name, topic in described.items()
        for one in topic["partitions"]
    ]
    return Sight(
        _problems(settings, count, described, configs),
        frozenset(place for place, one in places if one["leader_id"] < 0),
        frozenset(
            place
            for place, one in places
            if len(one["isr_nodes"]) < _needed(one, configs.get(place[0], {}))
        ),
        {name: topic.get("topic_id") for name, topic in described.items()},
    )


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


def partition_count(settings: Settings, topic: str) -> int:
    """How many partitions a topic has; ConfigError with the mend if there is no such topic."""
    with _admin(settings) as admin:
        present = _present(admin, [topic])
    if topic not in present:
        raise ConfigError(
            f"topic {topic} is missing at {settings.broker}; run: hydrawatch topics create "
            f"--partitions {configured(settings).config.engine.partitions}"
        )
    return present[topic]


def make_anew(settings: Settings, topic: str) -> None:
    """Delete a topic with all it holds, and create it with the partitions and replicas it had.

    Raises ConfigError if it is missing, BrokerError if the broker refuses or takes too long.
    """
    count = partition_count(settings, topic)
    with _admin(settings) as admin:
        (described,) = admin.describe_topics([topic])
        replicas = len(described["partitions"][0]["replica_nodes"])
        _refuse_failures(admin.delete_topics([topic], raise_errors=False))
        until = time.monotonic() + DELETED_S
        # The broker answers before it has forgotten the topic.
        while topic in _present(admin, [topic]):
            if time.monotonic() > until:
                raise BrokerError(f"topic {topic} is not deleted after {DELETED_S:.0f} s")
            time.sleep(0.1)
        plan = next(plan for plan in PLANS if plan.name(settings) == topic)
        _refuse_failures(
            admin.create_topics(
                {
                    topic: {
                        "num_partitions": count,
                        "replication_factor": replicas,
                        "configs": plan.config(replicas),
                    }
                },
                raise_errors=False,
            )
        )


def _refuse_clashes(
    settings: Settings, present: Mapping[str, int], wanted: Mapping[str, int]
) -> None:
    clashes = [
        f"topic {plan.name(settings)} has {present[name]} partitions, not {wanted[name]}; "
        f"Kafka cannot take partitions away and adding some sends accounts elsewhere: "
        f"name a new topic in {variable(plan.setting)}, or delete this one and its data"
        for plan in PLANS
        if (name := plan.name(settings)) in present
        and plan.spread != "free"
        and present[name] != wanted[name]
    ]
    if clashes:
        raise ConfigError("\n".join(clashes))


def _visible(admin: Any, names: list[str]) -> dict[str, int]:
    """What is present, once all is: Kafka answers before every broker knows of a new topic."""
    deadline = time.monotonic() + ANSWER_MS / 1000
    while len(present := _present(admin, names)) < len(names):
        if time.monotonic() > deadline:
            unseen = ", ".join(sorted(set(names) - set(present)))
            raise BrokerError(f"created, but the broker does not list them after 10 s: {unseen}")
        time.sleep(0.05)
    return present


@contextmanager
def _admin(settings: Settings, answer_ms: int = ANSWER_MS) -> Iterator[Any]:
    from kafka import KafkaAdminClient

    with explained(settings):
        admin = KafkaAdminClient(
            **blocking_client_options(settings),
            client_id="hydrawatch-admin",
            bootstrap_timeout_ms=answer_ms,
        )
        try:
            yield admin
        finally:
            admin.close()


def _present(admin: Any, names: list[str]) -> dict[str, int]:
    return {name: len(topic["partitions"]) for name, topic in _described(admin, names).items()}


def _described(admin: Any, names: list[str]) -> dict[str, Any]:
    # Asking by name lets a least-privilege user see its own topics without the right to list all.
    described = {}
    for topic in admin.describe_topics(names):
        if topic["error_code"] == 0:
            described[topic["name"]] = topic
        elif topic["error_code"] != UNKNOWN_TOPIC:
            from kafka import errors

            reason = errors.for_code(topic["error_code"]).__name__
            raise BrokerError(f"topic {topic['name']}: the broker says {reason}")
    return described


def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    from kafka import errors
    from kafka.admin import ConfigResource, ConfigResourceType

    try:
        found = admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in names],
            config_filter="all",
        )
    except errors.KafkaError:
        # Reading configuration is a right of its own, and not every broker knows it: a worker
        # that lacks it still works, and `verify` says nothing of what it cannot see.
        return {}
    return {
        name: {key: str(one["value"]) for key, one in values.items() if one.get("value")}
        for topics in found.values()
        for name, values in topics.items()
    }


def _refuse_failures(outcome: Mapping[str, Any]) -> None:
    from kafka import errors

    failures = []
    for topic in outcome["topics"]:
        error = errors.for_code(topic["error_code"])
        if topic["error_code"] and error is not errors.TopicAlreadyExistsError:
            failures.append(
                f"topic {topic['name']}: {topic.get('error_message') or error.__name__}"
            )
    if failures:
        raise BrokerError("\n".join(failures))
