"""The worker: a Faust app whose agents run the engine's stages over Kafka partitions.

`create_app(settings)` registers three agents by plain calls: requests (accounts), hand-overs (keys)
and reports (the owner). A chunk is acknowledged when what was said because of it is with the broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import faust
import structlog
from faust.types import TP

from detectors.account_state import MINUTE_MS, NO_TIME
from detectors.config import VERSION, Loaded
from detectors.errors import ConfigError, StateError
from detectors.workbench import Workbench
from streams.broker import faust_credentials, faust_urls, patiently
from streams.erasure import Erasures
from streams.gauges import begin_at_zero
from streams.health import Heartbeat, Readiness
from streams.keeper import Keeper
from streams.metrics import Metrics
from streams.outlet import Outlet
from streams.set_aside import notes
from streams.settings import Settings
from streams.silence import Silence
from streams.stages import AccountStage, KeyStage, OwnerStage
from streams.transport import BULK_SETTINGS, BulkOptions, ChunkSchema, use_bulk_transport
from streams.transport_chunks import Chunk
from streams.twins import Twins
from streams.under_way import UnderWay
from streams.watchdog import Watchdog
from streams.witness import Witness, made_anew

log = structlog.get_logger()
_trimmed = [0.0]

IDLE_POLL_S = 0.5
HOLD_POLL_S = 0.02
HAND_ON_S = 20.0  # at a stop: less than an orchestrator's grace
SHORT_S = 10.0  # a new leader may be behind for a moment in what it calls the end
MAX_AHEAD_TICKS = 60  # a source this far ahead of the slowest is held back: hand-overs are memory


def give_back_memory(every_s: float = 10.0) -> None:
    """Let glibc return freed scratch to the system; it keeps a tenth of a full worker otherwise."""
    now = time.monotonic()
    if now - _trimmed[0] >= every_s:
        _trimmed[0] = now
        with contextlib.suppress(OSError, AttributeError):  # another libc has its own ways
            ctypes.CDLL(None).malloc_trim(0)


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
        self.outlet = Outlet(settings, self.metrics)
        self._witness = Witness(settings, pipeline, self.metrics, self.readiness)
        self.stages: dict[TP, Any] = {}
        self._bench = Workbench(loaded.config.engine.partitions)
        self.app = self._app()
        self._twins = Twins(settings.instance_id)
        self._generation = -1  # of the group, at the last assignment
        self._silence = Silence()
        self._under_way = UnderWay()
        self._erasures = Erasures(settings)
        self._keeper = Keeper(
            settings, loaded, self.metrics, self._under_way.of, self._transport.ack_through
        )
        self._held: set[TP] = set()  # partitions that wait for slower ones
        self._short_since: dict[TP, float] = {}
        self._read_back = 0  # bytes of the state that is being restored
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
                    await patiently(stage.prepare, "read what was written down")
                    async with self._keeper.taking(tp, stage.busy):
                        await self._under_way.add(tp, await stage.process(chunk))
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # Going on would leave a hole in the windows: stop, and start again from the topic.
                log.exception("stage failed", topic=tp.topic, partition=tp.partition)
                await self.app.crash(error)
                raise
            if isinstance(stage, AccountStage):
                self._hold_back(tp, stage)
            yield

    def _make(self, tp: TP) -> Any:
        settings = self.settings
        common = (self.outlet, self.metrics)
        if tp.topic == settings.requests_topic:
            return AccountStage(settings, self.loaded, tp.partition, *common, self._bench)
        if tp.topic == settings.handover_topic:
            return KeyStage(settings, self.loaded, tp.partition, *common)
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
            await self._keeper.recover(tp, stage, self._recovered)
        except BaseException:
            stage.close()
            raise
        return stage

    def _recovered(self, size: int) -> None:
        self._read_back = size
        self.metrics.recovery_bytes.set(size)
        self.readiness.wait_for("recovery", f"reading state back: {size / 1e6:,.0f} MB so far")

    async def _on_assigned(self, app: faust.App, assigned: set[TP], **_: Any) -> None:
        try:
            self._twins.assigned(app.consumer_generation_id)
        except ConfigError as error:
            await app.crash(error)
        self.metrics.rebalances.inc()
        mine = {tp for tp in assigned if tp.topic in self._topics()}
        self._held.clear()
        # Who was put out of the group and comes back may be given what it had, but another worker has
        # had it meanwhile, and has written down more: then nothing that is in memory counts.
        stayed = app.consumer_generation_id == self._generation + 1
        self._generation = app.consumer_generation_id
        gone = [tp for tp in self.stages if tp not in mine or not stayed]
        self._keeper.forget(gone)
        self.watchdog.keep_to(mine)
        for tp in gone:
            self._under_way.forget(tp)
            self._short_since.pop(tp, None)
            self.stages.pop(tp).close()
        for stage in self.stages.values():
            if isinstance(stage, OwnerStage):
                stage.forget_published()
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

    # -- time of partitions without traffic ----------------------------------------------------

    def _passed(self) -> list[int]:
        """Last tick that each source has closed, as any of our key partitions has heard it."""
        for stage in self.stages.values():
            if isinstance(stage, KeyStage):
                return stage.keys.passed
        return []

    def _too_far_ahead(self, stage: AccountStage) -> bool:
        slowest = min(self._passed(), default=NO_TIME)
        return slowest != NO_TIME and stage.accounts.closed > slowest + MAX_AHEAD_TICKS

    def _hold_back(self, tp: TP, stage: AccountStage) -> None:
        """Read no more of a partition that is far ahead in event time, until the others follow."""
        if tp not in self._held and self._too_far_ahead(stage):
            self._held.add(tp)
            self.app.consumer.pause_partitions({tp})

    async def _let_go(self) -> None:
        """Read on from partitions that the others have caught up with."""
        while True:
            await asyncio.sleep(HOLD_POLL_S)
            for tp in sorted(self._held):
                stage = self.stages.get(tp)
                if stage is None or not self._too_far_ahead(stage):
                    self._held.discard(tp)
                    if tp in self.app.consumer.assignment():
                        self.app.consumer.resume_partitions({tp})

    async def _mark_idle(self) -> None:
        """Let partitions that have nothing to read trail the furthest, by a written mark."""
        gap = self.loaded.config.engine.idle_gap_minutes * MINUTE_MS
        while True:
            await asyncio.sleep(IDLE_POLL_S)
            await self._under_way.sweep()
            await self._catch_up()
            give_back_memory()
            passed = self._passed()
            furthest = max(passed, default=NO_TIME)
            if furthest == NO_TIME:
                continue
            mark = (furthest + 1) * MINUTE_MS - gap
            for tp in sorted(self.app.consumer.assignment()):
                if tp.topic != self.settings.requests_topic:
                    continue
                stage = self.stages.get(tp)
                if stage is None:
                    continue
                age = self._transport.answer_age_s(tp)
                quiet = self._silence.lasts_s(tp, stage.last_record, age)
                if quiet < self.settings.idle_s or stage.accounts.watermark >= mark:
                    continue
                if await self._unread(tp, stage.next_offset):
                    continue
                await patiently(stage.prepare, "read what was written down")
                async with self._keeper.taking(tp, stage.busy):
                    await self._under_way.add(tp, await stage.mark_idle(mark))

    async def _watch(self) -> None:
        """Show how far behind we are, also while nothing is read or the broker does not answer."""
        while True:
            await asyncio.sleep(IDLE_POLL_S)
            self._keeper.show(self.stages, self.readiness)
            self.outlet.deliveries.look(self.readiness)
            trouble = bool(self._witness.trouble)
            self.readiness.note(notes(self.stages.values()))
            self.metrics.held_back.set(len(self._held))
            for tp in self.app.consumer.assignment():
                stage, high = self.stages.get(tp), self.app.consumer.highwater(tp)
                if stage is None and tp.topic in self._topics():
                    self.watchdog.look(tp, self._read_back, unread=True, trouble=trouble)
                elif stage is not None and high is not None:
                    lag = max(0, high - self._transport.read_behind(tp, stage.next_offset))
                    stage.watch(lag)
                    self._refuse_an_end_before(tp, high, stage.next_offset)
                    held = tp in self._held
                    self.watchdog.look(
                        tp, stage.next_offset, unread=lag > 0, held=held, trouble=trouble
                    )

    def _refuse_an_end_before(self, tp: TP, high: int, next_offset: int) -> None:
        """End where a topic lasts to be shorter than what was read of it."""
        now = time.monotonic()
        if high >= next_offset:
            self._short_since.pop(tp, None)
        elif now - self._short_since.setdefault(tp, now) > SHORT_S:
            raise StateError(made_anew(self.settings, tp.topic))

    async def _catch_up(self) -> None:
        """Ready once the requests that lay there at the assignment have been read."""
        if "catch-up" not in self.readiness.reasons():
            return
        mine = [
            tp for tp in self.app.consumer.assignment() if tp.topic == self.settings.requests_topic
        ]
        if any(tp not in self.stages for tp in mine):
            return
        unread = [tp for tp in mine if await self._unread(tp, self.stages[tp].next_offset)]
        if mine and not unread:
            self.readiness.done("catch-up")
        elif unread:
            behind = sum(self.stages[tp].lag for tp in unread)
            self.readiness.wait_for(
                "catch-up", f"{behind:,} records behind in {len(unread)} partitions"
            )

    async def _unread(self, tp: TP, next_offset: int) -> bool:
        high = self.app.consumer.highwater(tp)
        return high is None or self._transport.read_behind(tp, next_offset) < high

    async def _erase(self) -> None:
        """Carry out requests to forget accounts, between two records of their partitions."""
        while True:
            await asyncio.sleep(IDLE_POLL_S)
            for tp, stage in list(self.stages.items()):
                if not isinstance(stage, AccountStage):
                    continue
                for request in self._erasures.waiting(tp.partition):
                    await patiently(stage.prepare, "read what was written down")
                    async with self._keeper.taking(tp, stage.busy):
                        await self._under_way.add(tp, await stage.forget(request))
                    if stage.has_answered(request):
                        self._erasures.answered(tp.partition, request.id)

    # -- running ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect the producer and start what runs beside the agents."""
        await self.outlet.start()
        await self._keeper.start()
        self._tasks = [
            asyncio.create_task(self.heartbeat.run(), name="heartbeat"),
            asyncio.create_task(self._guarded(self._mark_idle()), name="idle marks"),
            asyncio.create_task(self._guarded(self._let_go()), name="hold back"),
            asyncio.create_task(self._guarded(self._watch()), name="metrics"),
            asyncio.create_task(self._guarded(self._witness.run()), name="witness"),
            asyncio.create_task(self._guarded(self._erasures.follow()), name="erasures"),
            asyncio.create_task(self._guarded(self._erase()), name="erase"),
            asyncio.create_task(self._guarded(self._keeper.run(self.stages)), name="state"),
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
                await self._keeper.keep_all(self.stages)

    async def stop(self) -> None:
        """Stop what runs beside the agents and flush the producer."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for stage in self.stages.values():
            stage.close()
        await self._keeper.stop()
        await self.outlet.stop()
