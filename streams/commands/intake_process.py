"""What the ways in that stay up have in common: sink, directory, health pages, signals, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from detectors.errors import HydrawatchError
from streams.intake import sink as sinks
from streams.intake.directory import Directory
from streams.intake.directory_topic import DirectoryTopic
from streams.intake.intake_metrics import IntakeMetrics
from streams.intake.sink import Sink
from streams.observe.health import Health, HealthServer, Heartbeat, Readiness
from streams.settings.settings import Settings
from streams.topics.status import partition_count

log = structlog.get_logger()

LOOK_S = 1.0
# A thread converts while the loop answers: it shall not wait 5 ms for each turn.
SWITCH_S = 0.0005


@dataclass(frozen=True, slots=True)
class Process:
    """What is running: where events go, what is known of accounts, and who is told to stop."""

    settings: Settings
    sink: Sink
    producer: Any
    metrics: IntakeMetrics
    readiness: Readiness
    stop: asyncio.Event


@contextlib.asynccontextmanager
async def running(
    settings: Settings, metrics: IntakeMetrics, directory: Directory | None, topic: str | None
) -> AsyncIterator[Process]:
    """A process that has its broker and its directory, until the block ends; SIGTERM sets `stop`.

    `topic`: the directory's, to be followed. Raises ConfigError where a topic is missing, BrokerError.
    """
    sys.setswitchinterval(SWITCH_S)
    # Records taken apart are many small objects without circles: to look for circles took a third of the
    # time. What is there for good is not looked at any more, and the rest more rarely.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    await asyncio.to_thread(partition_count, settings, settings.requests_topic)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    heartbeat, readiness = Heartbeat(), Readiness(start="the intake starts")
    health = Health(metrics.registry, readiness, heartbeat)
    server = HealthServer(health, host=settings.metrics_host, port=settings.metrics_port)
    with server:
        log.info("intake starts", metrics=server.url)
        async with sinks.opened(settings, metrics.produce_seconds.observe) as (sink, producer):
            process = Process(settings, sink, producer, metrics, readiness, stop)
            tasks = [
                asyncio.create_task(heartbeat.run()),
                asyncio.create_task(_watch(process, directory)),
            ]
            try:
                if directory is not None and topic is not None:
                    tasks.append(await _followed(process, directory, topic))
                readiness.done("start")
                yield process
            finally:
                readiness.wait_for("stop", "it is stopping")
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def ended(main: Coroutine[Any, Any, int]) -> int:
    """Run a process's coroutine to its end on the worker's kind of loop; gives the exit code."""
    from streams.worker import event_loop

    event_loop.use_everywhere()
    return asyncio.run(main)


async def either(process: Process, work: Coroutine[Any, Any, None]) -> None:
    """Do the work until it ends by itself or the process is told to stop."""
    doing = asyncio.create_task(work)
    stopping = asyncio.create_task(process.stop.wait())
    await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await doing


async def _followed(process: Process, directory: Directory, topic: str) -> asyncio.Task[None]:
    """Follow the directory's topic; returns once all that it said was read."""
    process.readiness.wait_for("directory", f"reads {topic}")
    following = DirectoryTopic(process.settings, topic, directory)
    task = asyncio.create_task(following.follow())
    loaded = asyncio.create_task(following.loaded.wait())
    stopping = asyncio.create_task(process.stop.wait())
    await asyncio.wait({task, loaded, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for one in (loaded, stopping):
        one.cancel()
    if task.done():
        await task
        raise HydrawatchError(f"the directory's topic {topic} could not be followed")
    process.readiness.done("directory")
    return task


async def _watch(process: Process, directory: Directory | None) -> None:
    """Say now and then what is in flight, and whether the broker answers."""
    metrics, settings = process.metrics, process.settings
    while True:
        waits = process.sink.waits_s()
        metrics.in_flight.set(process.sink.in_flight_bytes)
        metrics.waits.set(waits)
        if directory is not None:
            metrics.directory.set(len(directory))
        if waits > settings.intake_answer_s:
            reason = f"has not taken a batch for {waits:.0f} s"
            process.readiness.wait_for("broker", reason)
        else:
            process.readiness.done("broker")
        metrics.ready.set(not process.readiness.reasons())
        await asyncio.sleep(LOOK_S)
