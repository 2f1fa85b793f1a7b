"""`hydrawatch topics`: create what is missing, say what is wrong."""

from __future__ import annotations

import dataclasses

import orjson
from rich.console import Console
from rich.table import Table

from detectors.interface.clock import DAY_MS
from streams.settings.settings import Settings
from streams.topics import status
from streams.topics.create import create_topics
from streams.topics.plan import PLANS


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
        print_json([dataclasses.asdict(topic) for topic in done])
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
    Console().print(table)
    return 0


def verify(settings: Settings, partitions: int | None, as_json: bool) -> int:
    """Print every problem; 1 if there is one."""
    problems = status.verify(settings, partitions)
    if as_json:
        print_json([dataclasses.asdict(problem) for problem in problems])
    elif problems:
        console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        for problem in problems:
            console.print(str(problem))
    else:
        Console().print(f"all {len(PLANS)} topics are as they should be")
    return 1 if problems else 0


def print_json(value: object) -> None:
    """Print a result for scripts."""
    Console(highlight=False, markup=False, soft_wrap=True).print(
        orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    )
