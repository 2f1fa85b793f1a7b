"""`hydrawatch intake topic`: the records of any topic become request events, until it is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from detectors.errors import ConfigError
from streams.commands.intake_options import Options, converters_of, directory_of
from streams.commands.intake_process import Process, ended, running
from streams.intake.convert import Converter
from streams.intake.intake_metrics import IntakeMetrics
from streams.intake.topic_intake import Source, TopicIntake, consuming
from streams.settings.settings import Settings
from streams.topics.status import partition_count

log = structlog.get_logger()

GROUP = "hydrawatch-intake"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which topic is read, what its records are, and by which group (none: one of the topic's own)."""

    topic: str
    format: str
    group: str | None


def run(settings: Settings, wanted: Wanted, options: Options) -> int:
    """Read until SIGTERM or SIGINT; 0. Raises ConfigError, BrokerError."""
    ours = {
        getattr(settings, name) for name in type(settings).model_fields if name.endswith("_topic")
    }
    if wanted.topic in ours:
        raise ConfigError(
            f"--from {wanted.topic} is hydrawatch's own; give the topic of a gateway's records"
        )
    group = wanted.group or f"{GROUP}.{wanted.topic}"
    if not group.startswith(GROUP):
        raise ConfigError(
            f"--group {group}: must begin with {GROUP}, which is what its rights are for"
        )
    return ended(_run(settings, Source(wanted.topic, wanted.format, group), options))


async def _run(settings: Settings, source: Source, options: Options) -> int:
    directory = directory_of(settings, options)
    converters = converters_of(settings, options, directory)
    if source.format not in converters:
        raise ConfigError(f"--format {source.format}: there are {', '.join(converters)}")
    await asyncio.to_thread(partition_count, settings, source.topic)
    metrics = IntakeMetrics()
    metrics.forms([source.format])
    async with running(settings, metrics, directory, options.directory_topic) as process:
        await _read(process, source, converters[source.format])
    return 0


async def _read(process: Process, source: Source, converter: Converter) -> None:
    intake = TopicIntake(
        source,
        converter,
        process.sink,
        process.producer,
        process.metrics,
        process.settings.dead_letters_topic,
    )
    async with consuming(process.settings, intake) as consumer:
        log.info("the intake reads", topic=source.topic, group=source.group)
        await intake.run(consumer, process.stop)
