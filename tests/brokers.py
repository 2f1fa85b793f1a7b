"""The broker that tests run against: the embedded one, or Apache Kafka with `--broker kafka`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient

from streams.kafka.embedded_broker import EmbeddedBroker

if TYPE_CHECKING:
    from tests.kafka.cluster import KafkaCluster

EMBEDDED, KAFKA = KINDS = ("embedded", "kafka")
_chosen = [EMBEDDED]


def choose(kind: str) -> None:
    """Run what follows against this kind of broker."""
    _chosen[0] = kind


def chosen() -> str:
    """The kind of broker that tests run against."""
    return _chosen[0]


@contextmanager
def fresh_broker() -> Iterator[str]:
    """Address of a broker that holds no topics.

    Kafka takes seconds to start, so that there is one for all tests, emptied for each; a test that
    kills or configures brokers starts a KafkaCluster of its own.
    """
    if chosen() == KAFKA:
        kafka = _kafka()
        _empty(kafka)
        yield kafka.bootstrap
    else:
        with EmbeddedBroker() as embedded:
            yield embedded.address


def close() -> None:
    """End what `fresh_broker` keeps running."""
    if _kafka.cache_info().currsize:
        _kafka().close()
        _kafka.cache_clear()


@cache
def _kafka() -> KafkaCluster:
    from tests.kafka.cluster import KafkaCluster

    return KafkaCluster.start()


def _empty(kafka: KafkaCluster) -> None:
    admin = kafka.admin()
    try:
        if topics := _topics(admin):
            admin.delete_topics(topics)
        while _topics(admin):  # Kafka answers before it has forgotten them
            time.sleep(0.05)
    finally:
        admin.close()


def _topics(admin: Any) -> list[str]:
    return [name for name in admin.list_topics() if not name.startswith("__")]


def delete_topic(broker: str, topic: str) -> None:
    """Delete a topic; returns when it is gone."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        admin.delete_topics([topic])
        while topic in admin.list_topics():
            time.sleep(0.05)
    finally:
        admin.close()
