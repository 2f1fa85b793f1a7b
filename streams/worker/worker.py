"""The worker: its parts, in the order in which they rest on each other, and how they start and stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable

import structlog
from faust.types import TP

from detectors.config import VERSION, Loaded
from streams.observe.broker_probe import BrokerProbe
from streams.observe.deafness import Deafness
from streams.observe.health import Heartbeat, Readiness
from streams.observe.metrics import Metrics
from streams.observe.shown import Shown
from streams.observe.stage_gauges import begin_at_zero
from streams.observe.watchdog import Watchdog
from streams.settings.settings import Settings
from streams.stages.erasure import Erasures
from streams.stages.in_flight import InFlight
from streams.stages.intake import Intake
from streams.stages.sink import Sink
from streams.state.checkpointer import Checkpointer
from streams.topics.identity import inputs
from streams.worker.agents import Agents, create_app
from streams.worker.alignment import Alignment
from streams.worker.assignment import Assignment
from streams.worker.hearing import Hearing
from streams.worker.memory import give_back
from streams.worker.monitor import Monitor
from streams.worker.partitions import Partitions

log = structlog.get_logger()

HAND_ON_S = 20.0  # at a stop: less than `stopping.STOP_S`


class Worker:
    """One process: the Faust app, the stages that it feeds, and what keeps, watches and ends them."""

    def __init__(self, settings: Settings, loaded: Loaded) -> None:
        partitions = loaded.config.engine.partitions
        # what is seen from outside
        self.metrics = _metrics(settings, loaded)
        self.readiness = Readiness(assignment="no partitions assigned yet")
        self.metrics.ready.set_function(lambda: not self.readiness.reasons())
        shown = Shown(self.metrics, self.readiness)
        self.heartbeat = Heartbeat()
        self.watchdog = Watchdog(self.metrics, self.readiness, settings.stall_s)
        self._probe = BrokerProbe(settings, partitions, self.metrics, self.readiness)
        # what comes in and what goes out
        self.app, transport = create_app(settings, self._start_offset)
        self._sink = Sink(settings, self.metrics)
        self._in_flight = InFlight()
        # the stages
        self._partitions = Partitions(settings, loaded, self._sink, self.metrics)
        self._checkpointer = Checkpointer(
            settings, loaded, self.metrics, self._in_flight.of, transport.ack_through
        )
        self._intake = Intake(self._checkpointer, self._in_flight)
        self._erasures = Erasures(settings)
        self._alignment = Alignment(
            settings,
            loaded,
            transport,
            self._partitions.accounts,
            self._partitions.networks,
            self._intake,
        )
        self._monitor = Monitor(
            settings,
            transport,
            self._partitions.stages,
            self._alignment.held,
            shown,
        )
        self._hearing = Hearing(
            settings,
            transport,
            self._partitions.stages,
            self._sink,
            self._checkpointer,
            self._probe,
            Deafness(self.metrics, self.readiness, settings.deaf_s),
        )
        # who runs them
        self._assignment = Assignment(
            settings,
            self.app,
            self._partitions,
            self._checkpointer,
            self._in_flight,
            self._alignment,
            self.watchdog,
            self._monitor.recovered,
            shown,
        )
        agents = Agents(
            self.app, self._partitions.stages, self._intake, self._alignment, self.watchdog
        )
        agents.register(settings)
        self._tasks: list[asyncio.Task[None]] = []

    async def _start_offset(self, tp: TP) -> int:
        return await self._assignment.start_offset(tp)  # which rests on the app that asks

    async def start(self) -> None:
        """Connect the producers and start what runs beside the agents."""
        await self._sink.start()
        await self._checkpointer.start()
        looking = self._monitor.look(
            self._checkpointer, self._sink.deliveries, self._probe, self.watchdog
        )
        beside = {
            "state": self._checkpointer.run(self._partitions.stages),
            "idle marks": self._alignment.mark_idle(),
            "hold back": self._alignment.let_go(),
            "monitor": looking,
            "broker probe": self._probe.run(),
            "hearing": self._hearing.run(),
            "erasures": self._erasures.follow(),
            "erase": self._erasures.carry_out(self._partitions.accounts, self._intake),
            "in flight": self._in_flight.run(),
            "memory": give_back(),
        }
        self._tasks = [asyncio.create_task(self.heartbeat.run(), name="heartbeat")]
        self._tasks += [
            asyncio.create_task(self._guarded(task), name=name) for name, task in beside.items()
        ]

    async def _guarded(self, task: Awaitable[None]) -> None:
        try:
            await task
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("background task failed")
            await self.app.crash(error)

    async def hand_on(self) -> None:
        """Keep all state as it is now, so that whoever comes next reads nothing twice."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HAND_ON_S):
                await self._checkpointer.keep_all(self._partitions.stages)

    async def stop(self) -> None:
        """Stop what runs beside the agents and flush the producers."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for stage in self._partitions.stages.values():
            stage.close()
        await self._checkpointer.stop()
        await self._sink.stop()


def _metrics(settings: Settings, loaded: Loaded) -> Metrics:
    """The series of a worker that has not done anything yet."""
    metrics = Metrics()
    metrics.describe(VERSION, loaded.digest)
    begin_at_zero(metrics, loaded.config.detectors, inputs(settings))
    pipeline = loaded.config.engine.partitions
    for topic, count in zip(inputs(settings), (pipeline, pipeline, 1), strict=True):
        metrics.partitions.labels(topic).set(count)
    return metrics
