"""Asking a broker about topics, over a connection of kafka-python's admin client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from streams.kafka.connection import BrokerError, blocking_client_options, explained
from streams.settings.settings import Settings

# How long a broker may take to answer at all; the client's own 30 s keep a person waiting in vain.
ANSWER_MS = 10_000
UNKNOWN_TOPIC = 3


@contextmanager
def connected(settings: Settings, answer_ms: int = ANSWER_MS) -> Iterator[Any]:
    """An admin client, closed at the end. Raises BrokerError with the mend if the broker is away."""
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


def partition_counts(admin: Any, names: list[str]) -> dict[str, int]:
    """How many partitions each of these topics has; those that do not exist are left out."""
    return {name: len(topic["partitions"]) for name, topic in descriptions(admin, names).items()}


def descriptions(admin: Any, names: list[str]) -> dict[str, Any]:
    """What the broker says of each of these topics; those that do not exist are left out.

    Raises BrokerError where it will not say.
    """
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


def log_starts(admin: Any, counts: Mapping[str, int]) -> dict[tuple[str, int], int]:
    """Where the records of topics with so many partitions begin, by topic and partition."""
    from kafka import TopicPartition

    earliest = -2  # in a ListOffsets request
    wanted = {TopicPartition(t, p): earliest for t, count in counts.items() for p in range(count)}
    found = admin.list_partition_offsets(wanted) if wanted else {}
    return {(tp.topic, tp.partition): int(one.offset) for tp, one in found.items()}


def committed_offsets(admin: Any, group: str) -> dict[tuple[str, int], int]:
    """What a group has committed, by topic and partition; nothing where we may not know."""
    from kafka import errors

    try:
        found = admin.list_group_offsets({group: None}).get(group, {})
    except errors.KafkaError:
        return {}
    return {(tp.topic, tp.partition): int(one.offset) for tp, one in found.items()}


def configurations(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    """The settings of each of these topics, by name, as far as we may read them."""
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


def ends(admin: Any, places: list[tuple[str, int]], answer_ms: int) -> dict[tuple[str, int], int]:
    """Where each of these partitions ends for a reader; empty where the brokers do not say it.

    Behind the last record that counts: a transaction that is open may come to nothing.
    """
    from kafka import TopicPartition, errors
    from kafka.protocol.consumer import IsolationLevel, OffsetSpec

    if not places:
        return {}
    wanted = {TopicPartition(*place): OffsetSpec.LATEST for place in places}
    try:
        found = admin.list_partition_offsets(wanted, IsolationLevel.READ_COMMITTED, answer_ms)
    except errors.KafkaError:
        return {}  # a leader has just moved, or the right is missing: it is no worse than not to know
    return {(tp.topic, tp.partition): at.offset for tp, at in found.items()}


def refuse_failures(outcome: Mapping[str, Any]) -> None:
    """Raise BrokerError where some topics were not created or deleted; one that exists is none."""
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
