"""The topics at the broker: creates what is missing, makes one anew."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detectors.errors import ConfigError
from streams.kafka.connection import BrokerError
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings, variable
from streams.topics.admin import ANSWER_MS, connected, partition_counts, refuse_failures
from streams.topics.plan import PLANS, partitions_of
from streams.topics.status import partition_count

DELETED_S = 30.0


@dataclass(frozen=True, slots=True)
class Created:
    """What `create_topics` found and did for one topic."""

    topic: str
    role: str
    partitions: int
    existed: bool
    config: Mapping[str, str] = field(default_factory=dict)


def create_topics(
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
    with connected(settings) as admin:
        present = partition_counts(admin, list(wanted))
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
            refuse_failures(outcome)
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


def make_anew(settings: Settings, topic: str) -> None:
    """Delete a topic with all it holds, and create it with the partitions and replicas it had.

    Raises ConfigError if it is missing, BrokerError if the broker refuses or takes too long.
    """
    count = partition_count(settings, topic)
    with connected(settings) as admin:
        (described,) = admin.describe_topics([topic])
        replicas = len(described["partitions"][0]["replica_nodes"])
        refuse_failures(admin.delete_topics([topic], raise_errors=False))
        until = time.monotonic() + DELETED_S
        # The broker answers before it has forgotten the topic.
        while topic in partition_counts(admin, [topic]):
            if time.monotonic() > until:
                raise BrokerError(f"topic {topic} is not deleted after {DELETED_S:.0f} s")
            time.sleep(0.1)
        plan = next(plan for plan in PLANS if plan.name(settings) == topic)
        refuse_failures(
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
    while len(present := partition_counts(admin, names)) < len(names):
        if time.monotonic() > deadline:
            unseen = ", ".join(sorted(set(names) - set(present)))
            raise BrokerError(f"created, but the broker does not list them after 10 s: {unseen}")
        time.sleep(0.05)
    return present
