"""`hydrawatch topics`: create what is missing, say what is wrong."""

from __future__ import annotations

import dataclasses

from rich.table import Table

from detectors.interface.clock import DAY_MS
from streams.settings.settings import Settings
from streams.terminal import console, indented, shown
from streams.topics import status
from streams.topics.create import create_topics
from streams.topics.plan import OF_WORKERS


def create(
    settings: Settings,
    partitions: int | None,
    replication: int,
    alert_partitions: int,
    as_json: bool,
) -> int:
    """Create missing topics and print the table of all; 0."""
    done = create_topics(
        settings, partitions, replication=replication, alert_partitions=alert_partitions
    )
    if as_json:
        indented([dataclasses.asdict(topic) for topic in done])
        return 0
    table = Table(box=None, pad_edge=False)
    table.add_column("topic", no_wrap=True)
    for title in ("partitions", "kept", "", "role"):
        table.add_column(title)
    for topic in done:
        keep_ms = int(topic.config["retention.ms"])
        days = f"{keep_ms // DAY_MS} d" if keep_ms > 0 else "until replaced"
        state = "was there" if topic.existed else "created"
        # What an existing topic keeps is its own affair; it is left as it is.
        kept = "" if topic.existed else days
        table.add_row(topic.topic, str(topic.partitions), kept, state, topic.role)
    console().print(table)
    return 0


def verify(settings: Settings, partitions: int | None, as_json: bool) -> int:
    """Print every problem; 1 if there is one."""
    problems = status.verify(settings, partitions)
    if as_json:
        indented([dataclasses.asdict(problem) for problem in problems])
    elif problems:
        aside = console(stderr=True, soft_wrap=True)
        for problem in problems:
            aside.print(shown(problem))
    else:
        console().print(f"all {len(OF_WORKERS)} topics of the workers are as they should be")
    return 1 if problems else 0
