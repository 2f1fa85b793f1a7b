"""The worker: a Faust app whose agents run the engine's stages over Kafka partitions.

`create_app(settings)` registers three agents by plain calls: requests (accounts), hand-overs (keys)
and reports (the owner). A chunk is acknowledged when what was said because of it is with the broker.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import Any

import faust
import structlog
from faust.types import TP

from detectors.accounts.workbench import Workbench
from detectors.config import VERSION, Loaded
from detectors.errors import ConfigError
from streams.bulk.chunks import Chunk
from streams.bulk.driver import BULK_SETTINGS, BulkOptions, ChunkSchema, use_bulk_transport
from streams.kafka.connection import faust_credentials, faust_urls, patiently
from streams.kafka.fencing import ShutOutError
from streams.observe.broker_probe import BrokerProbe
from streams.observe.health import Heartbeat, Readiness
from streams.observe.metrics import Metrics
from streams.observe.stage_gauges import begin_at_zero
from streams.observe.watchdog import Watchdog
from streams.settings.settings import Settings
from streams.stages.accounts import AccountStage
from streams.stages.erasure import Erasures
from streams.stages.in_flight import InFlight
from streams.stages.intake import Intake
from streams.stages.networks import NetworkStage
from streams.stages.owner import OwnerStage
from streams.stages.sink import Sink
from streams.state.checkpointer import Checkpointer
from streams.worker.alignment import Alignment
from streams.worker.duplicate_instance import DuplicateInstance
from streams.worker.memory import give_back
from streams.worker.monitor import Monitor

log = structlog.get_logger()

HAND_ON_S = 20.0  # at a stop: less than an orchestrator's grace
SETTLE_S = 5.0  # at a rebalance, which all workers wait for


class Worker:
    """One process's stages, by partition, and the Faust app that feeds them."""

    def __init__(self, settings: Settings, loaded: Loaded) -> None:
        self.settings = settings
        self.loaded = loaded
        self.metrics = Metrics()
        self.metrics.describe(VERSION, loaded.digest)
        begin_at_zero(self.metrics)
        pipeline = loaded.config.engine.partitions
        for topic, count in zip(self._topics(), (pipeline, pipeline, 1), strict=True):
            self.metrics.partitions.labels(topic).set(count)
        self.readiness = Readiness(assignment="no partitions assigned yet")
        self.metrics.ready.set_function(lambda: not self.readiness.reasons())
        self.heartbeat = Heartbeat()
        self.watchdog = Watchdog(self.metrics, self.readiness, settings.stall_s)
        self.sink = Sink(settings, self.metrics)
        self._probe = BrokerProbe(settings, pipeline, self.metrics, self.readiness)
        self.stages: dict[TP, Any] = {}
        self._bench = Workbench(loaded.config.engine.partitions)
        self.app = self._app()
        self._duplicates = DuplicateInstance(settings.instance_id)
        self._generation = -1  # of the group, at the last assignment
        self._in_flight = InFlight()
        self._erasures = Erasures(settings)
        self._checkpointer = Checkpointer(
            settings, loaded, self.metrics, self._in_flight.of, self._transport.ack_through
        )
        self._intake = Intake(self._checkpointer, self._in_flight)
        self._alignment = Alignment(
            settings,
            loaded,
            self.app,
            self._transport,
            self.stages,
            self._intake,
        )
        self._monitor = Monitor(
            settings,
            self.app,
            self._transport,
            self.stages,
            self._alignment.held,
            self.metrics,
            self.readiness,
        )
        self._tasks: list[asyncio.Task[None]] = []

    # -- wiring -------------------------------------------------------------------------------

    def _app(self) -> faust.App:
        settings = self.settings
        app = faust.App(
            settings.group,
            broker=faust_urls(settings),
            broker_credentials=faust_credentials(settings),
            datadir=str(settings.data_dir),
            autodiscover=False,
            **{
                **BULK_SETTINGS,
                # What waits in memory: chunks per topic, and fetched bytes per partition.
                "stream_buffer_maxsize": 8,
                "consumer_max_fetch_size": 2 << 20,
                "broker_session_timeout": settings.session_timeout_s,
                "broker_heartbeat_interval": settings.heartbeat_s,
                "consumer_group_instance_id": settings.instance_id,
            },
        )
        # Faust's folders would be for tables, of which there are none: a full disk stops no worker.
        app._create_directories = lambda: None
        self._transport = use_bulk_transport(
            app,
            BulkOptions(
                topics=frozenset(
                    (settings.requests_topic, settings.handover_topic, settings.evidence_topic)
                ),
                start_offset=self._start_offset,
                chunk_records=settings.chunk_records,
                chunk_bytes=2 << 20,
            ),
        )
        for name in (settings.requests_topic, settings.handover_topic, settings.evidence_topic):
            topic = app.topic(name, schema=ChunkSchema(), internal=False)
            app.agent(topic, name=f"hydrawatch.{name}")(self._agent)
        app.on_partitions_revoked.connect(self._on_revoked)
        app.on_partitions_assigned.connect(self._on_assigned)
        return app

    async def _agent(self, stream: Any) -> AsyncIterator[None]:
        async for event in stream.noack().events():
            chunk: Chunk = event.value
            tp = TP(chunk.topic, chunk.partition)
            try:
                stage = self.stages.get(tp)
                if stage is None:
                    continue  # of an assignment that has ended
                with self.watchdog.at_work(tp):
                    await self._intake.take(tp, stage, partial(stage.process, chunk))
            except asyncio.CancelledError:
                raise
            except ShutOutError as error:
                # Its stage is not kept any more, and goes with the next assignment.
                log.warning("left to another worker", topic=tp.topic, reason=str(error))
                continue
            except Exception as error:
                # Going on would leave a hole in the windows: stop, and start again from the topic.
                log.exception("stage failed", topic=tp.topic, partition=tp.partition)
                await self.app.crash(error)
                raise
            if isinstance(stage, AccountStage):
                self._alignment.hold_back(tp, stage)
            yield

    def _make(self, tp: TP) -> Any:
        settings = self.settings
        common = (self.sink, self.metrics)
        if tp.topic == settings.requests_topic:
            return AccountStage(settings, self.loaded, tp.partition, *common, self._bench)
        if tp.topic == settings.handover_topic:
            return NetworkStage(settings, self.loaded, tp.partition, *common)
        return OwnerStage(settings, self.loaded, *common)

    # -- partitions come and go ---------------------------------------------------------------

    async def _start_offset(self, tp: TP) -> int:
        """Where to read on: a stage that was kept knows; one that comes is brought back first."""
        stage: Any = self.stages.get(tp)
        if stage is None:
            try:
                stage = await patiently(lambda: self._bring_back(tp), "read state back")
            except Exception as error:
                log.error("state cannot be read back", topic=tp.topic, partition=tp.partition)
                await self.app.crash(error)
                raise
            self.stages[tp] = stage
            self.readiness.done("recovery")
        return int(stage.next_offset)

    async def _bring_back(self, tp: TP) -> Any:
        stage = self._make(tp)
        try:
            await self._checkpointer.recover(tp, stage, self._monitor.recovered)
        except BaseException:
            stage.close()
            raise
        return stage

    async def _on_revoked(self, _app: faust.App, revoked: set[TP], **_: Any) -> None:
        """Before a successor looks, what is being said should be there: it would say it again."""
        for tp in revoked:
            stage: Any = self.stages.get(tp)
            if isinstance(stage, OwnerStage):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SETTLE_S):
                        await stage.settle()

    async def _on_assigned(self, app: faust.App, assigned: set[TP], **_: Any) -> None:
        try:
            self._duplicates.assigned(app.consumer_generation_id)
        except ConfigError as error:
            await app.crash(error)
        self.metrics.rebalances.inc()
        mine = {tp for tp in assigned if tp.topic in self._topics()}
        self._alignment.held.clear()
        # Who was put out of the group and comes back may be given what it had, but another worker has
        # had it meanwhile, and has written down more: then nothing that is in memory counts.
        stayed = app.consumer_generation_id == self._generation + 1
        self._generation = app.consumer_generation_id
        gone = [tp for tp in self.stages if tp not in mine or not stayed]
        self._checkpointer.release(gone)
        self.watchdog.keep_to(mine)
        for tp in gone:
            self._in_flight.release(tp)
            self.stages.pop(tp).close()
        counts = dict.fromkeys(self._topics(), 0)
        for tp in mine:
            counts[tp.topic] += 1
        for topic, count in counts.items():
            self.metrics.partitions_assigned.labels(topic).set(count)
        if mine:
            self.readiness.done("assignment")
            self.readiness.wait_for("catch-up", "reading what the topics hold")
        else:
            self.readiness.wait_for(
                "assignment", "no partition is assigned: more workers than partitions?"
            )

    def _topics(self) -> tuple[str, str, str]:
        settings = self.settings
        return settings.requests_topic, settings.handover_topic, settings.evidence_topic

    # -- running ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect the producer and start what runs beside the agents."""
        await self.sink.start()
        await self._checkpointer.start()
        looking = self._monitor.look(
            self._checkpointer, self.sink.deliveries, self._probe, self.watchdog
        )
        beside = {
            "state": self._checkpointer.run(self.stages),
            "idle marks": self._alignment.mark_idle(),
            "hold back": self._alignment.let_go(),
            "metrics": looking,
            "broker probe": self._probe.run(),
            "erasures": self._erasures.follow(),
            "erase": self._erasures.carry_out(self.stages, self._intake),
            "deliveries": self._in_flight.run(),
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
                await self._checkpointer.keep_all(self.stages)

    async def stop(self) -> None:
        """Stop what runs beside the agents and flush the producer."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for stage in self.stages.values():
            stage.close()
        await self._checkpointer.stop()
        await self.sink.stop()
