"""`hydrawatch alerts`: the alert topic, for a person or a script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from detectors.errors import ConfigError
from streams.kafka.connection import blocking_client_options, explained
from streams.records import alert_view
from streams.settings.settings import Settings
from streams.terminal import JsonLines, console
from streams.topics.admin import ANSWER_MS
from streams.topics.status import partition_count

KINDS = ("account", "network")
POLL_MS = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    follow: bool
    from_beginning: bool
    limit: int | None
    kind: str | None
    min_action: str
    shadow: bool
    full: bool
    as_json: bool


def run(settings: Settings, wanted: Wanted) -> int:
    """Print alerts until the limit, the end of the topic (without follow) or Ctrl-C; 0."""
    if wanted.kind not in (None, *KINDS):
        raise ConfigError(f"--kind is {wanted.kind!r}; it takes {' or '.join(KINDS)}")
    if wanted.min_action not in alert_view.ACTIONS:
        actions = ", ".join(alert_view.ACTIONS)
        raise ConfigError(f"--min-action is {wanted.min_action!r}; it takes one of {actions}")
    topic = settings.shadow_topic if wanted.shadow else settings.alerts_topic
    out = console()
    shown = unreadable = 0
    for value in values(settings, topic, wanted.follow, wanted.from_beginning):
        alert = _alert(value)
        if alert is None:
            unreadable += 1
            continue
        if wanted.kind is not None and alert.get("kind") != wanted.kind:
            continue
        if not alert_view.at_least(alert.get("action"), wanted.min_action):
            continue
        if wanted.as_json:
            JsonLines().write(value)
            sys.stdout.flush()
        elif wanted.full:
            out.print(alert_view.panel(alert))
        else:
            out.print(alert_view.line(alert), soft_wrap=True)
        shown += 1
        if shown == wanted.limit:
            break
    if unreadable:
        print(f"hydrawatch: {unreadable} records were no alerts", file=sys.stderr)  # noqa: T201
    return 0


def values(
    settings: Settings, topic: str, follow: bool = True, from_beginning: bool = False
) -> Iterator[bytes]:
    """Record values of a topic, without a consumer group: nobody's offsets move.

    Without `follow` it ends where the topic ended when it was called. Raises ConfigError if the
    topic is missing, BrokerError if the broker does not answer.
    """
    from kafka import KafkaConsumer, TopicPartition

    count = partition_count(settings, topic)
    partitions = [TopicPartition(topic, number) for number in range(count)]
    with explained(settings):
        consumer = KafkaConsumer(
            **blocking_client_options(settings),
            client_id="hydrawatch-alerts",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=ANSWER_MS,
        )
        try:
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            if from_beginning:
                consumer.seek_to_beginning(*partitions)
            else:
                for partition in partitions:
                    consumer.seek(partition, ends[partition])
            # The high watermark of a fetch as well: the embedded broker's ListOffsets answers with
            # the place after the FIRST record of the last batch.
            while follow or any(
                consumer.position(one) < max(ends[one], consumer.highwater(one) or 0)
                for one in partitions
            ):
                for records in consumer.poll(timeout_ms=POLL_MS).values():
                    yield from (one.value for one in records if one.value is not None)
        finally:
            consumer.close()


def _alert(value: bytes) -> dict[str, Any] | None:
    try:
        alert = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return alert if isinstance(alert, dict) else None
