"""A worker that is soon to say what is wrong, with topics of its own at a cluster that tests share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streams.kafka.embedded_broker import free_port
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from tests.integration.watched import Watched
from tests.integration.workers import worker
from tests.kafka.cluster import KafkaCluster

STALL_S = 1.0


def fresh_settings(cluster: KafkaCluster, replication: int = 1, **more: Any) -> Settings:
    """Settings for fresh topics, which are made: tests that share a cluster do not meet."""
    mark = f"{time.monotonic_ns()}"
    names = {
        name: f"{field.default}.{mark}"
        for name, field in Settings.model_fields.items()
        if name.endswith("_topic") or name == "group"
    }
    settings = Settings(
        broker=cluster.bootstrap,
        partitions=4,
        stall_s=STALL_S,
        idle_s=2.0,
        metrics_port=free_port(),
        **names,
        **more,
    )
    create_topics(settings, 4, replication=replication)
    return settings


@contextmanager
def ready_worker(settings: Settings, folder: Path) -> Iterator[Watched]:
    """A worker process that has nothing to complain of."""
    with worker(settings, folder) as process:
        watched = Watched(process, settings.metrics_port)
        watched.until("ready", lambda: not watched.reasons())
        yield watched
