"""Keeps the stages' state at the broker, and brings it back: when, in what order, at what cost.

Stages take turns, so that a worker never stops for all of its state at once, and keeping takes at
most a twentieth of the time: what takes longer is done less often. Only then are the inputs that it
covers acknowledged. A broker that does not take state stops nobody: it is tried again later, while
`snapshot_age_seconds` grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from detectors.config import Loaded
from streams.kafka.addresses import begin_anew
from streams.kafka.connection import BrokerError, explained
from streams.kafka.fencing import MadeAnewError, ShutOutError
from streams.kafka.producers import end, lasting_producer
from streams.observe.deafness import Wait
from streams.observe.health import Readiness
from streams.observe.metrics import Metrics
from streams.observe.partition_gauges import PartitionGauges
from streams.settings.settings import Settings
from streams.stage import Sent, Stage
from streams.state.changelog import Changelog, Cut
from streams.state.locks import BusyError, held, to_its_end
from streams.state.placement import origin, place
from streams.state.records import of_this_version
from streams.state.schedule import Schedule
from streams.state.trim import Trim
from streams.topics.identity import InputIdentities

log = structlog.get_logger()

POLL_S = 0.25
BUSY_S = 5.0  # how long one stage that is in the middle of something may hold up the others
SEND_BYTES = 2 << 20
NOT_TAKEN = (KafkaError, BrokerError, ShutOutError, MadeAnewError, TimeoutError)


class Checkpointer:
    """The state logs of one worker's stages."""

    def __init__(
        self,
        settings: Settings,
        loaded: Loaded,
        metrics: Metrics,
        said: Callable[[TP], Sent],
        covered: Callable[[TP, int], object],
    ) -> None:
        self._settings = settings
        self._partitions = loaded.config.engine.partitions
        self._metrics = metrics
        self._said = said
        self._covered = covered
        self._origin = origin(settings, loaded)
        self._logs: dict[TP, Changelog] = {}
        self._stages: dict[TP, Stage] = {}  # whose logs they are
        self._gauges: dict[TP, PartitionGauges] = {}
        self._schedule = Schedule(settings.snapshot_s)
        self._producer: Any = None
        self._one_at_a_time = asyncio.Lock()  # entries, also when a stop comes between
        self._sent = 0
        self._taken = 0  # records of state that the broker has answered for
        self._failed: dict[TP, float] = {}  # since when a state could not be kept
        self._trim = Trim(settings, metrics)
        self._inputs = InputIdentities(settings)

    async def start(self) -> None:
        """Connect. Raises BrokerError."""
        await self._inputs.look()
        with explained(self._settings):
            # A producer of its own: a large state must not stand before an alert.
            self._producer = await lasting_producer(
                self._settings,
                client_id="hydrawatch-state",
                max_batch_size=SEND_BYTES // 2,
                max_request_size=SEND_BYTES,
            )

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await end(self._producer)
        await self._trim.stop()

    def waits(self) -> Wait:
        """How many records of state were taken, and whether more are under way."""
        return Wait(self._taken, self._sent > self._taken)

    async def renew(self) -> None:
        """Connect to the brokers anew; what is under way is sent again."""
        if self._producer is not None:
            await begin_anew(self._producer.client)

    async def recover(self, tp: TP, stage: Stage, progress: Callable[[int], None]) -> None:
        """Bring a stage that has just come to where its last owner kept it."""
        started = time.monotonic()
        where = place(stage.name, stage.partition, self._partitions)
        input_id = self._inputs.id(tp.topic)
        state = self._logs[tp] = Changelog(self._settings, where, self._origin, input_id=input_id)
        self._stages[tp] = stage
        self._gauges[tp] = PartitionGauges(self._metrics, tp.topic, stage.partition)
        kept = await state.recover(stage.part, self._send(where), progress)
        if kept is not None:
            self._inputs.refuse_replaced(tp.topic, kept.input_id)
            with of_this_version(state.where):
                stage.restore(kept)
        self._schedule.kept(tp, stage.next_offset)
        self._metrics.recovery_seconds.labels(stage.name).inc(time.monotonic() - started)

    def release(self, tps: Iterable[TP]) -> None:
        """Partitions that moved away: another worker keeps them."""
        for tp in tps:
            if tp in self._logs:
                self._trim.release(self._logs.pop(tp).tp)
                del self._stages[tp]
            if tp in self._gauges:
                self._gauges.pop(tp).release()
            self._schedule.release(tp)
            self._failed.pop(tp, None)

    def shut_out(self, tp: TP) -> bool:
        """Whether another worker has taken over what we should keep."""
        state = self._logs.get(tp)
        return state is not None and state.shut_out

    @contextlib.asynccontextmanager
    async def taking(self, tp: TP, stage: Stage) -> AsyncIterator[None]:
        """Hold a stage, by its lock, while it takes input and says what follows.

        One that does not come to the end of that has taken what it has not said: it is not kept any
        more, so that whoever reads that input again says it.
        """
        async with stage.busy:
            try:
                yield
            except BaseException:
                if self._stages.get(tp) is stage:  # else it moved away, and may be back as another
                    self.release([tp])
                raise

    def show(self, stages: Mapping[TP, Stage], readiness: Readiness) -> None:
        """Show how old what is kept has become; also while keeping takes for ever."""
        if self._failed:
            worst = time.monotonic() - min(self._failed.values())
            readiness.wait_for(
                "state",
                f"the state of {len(self._failed)} partitions could not be kept for up to {worst:.0f}"
                f" s: alerts go on, but a restart would read all that again; look at "
                f"{self._settings.state_topic}: leaders, min.insync.replicas, disks",
            )
        else:
            readiness.done("state")
        for tp, age in self._schedule.ages_s(stages):
            self._gauges[tp].set(self._metrics.snapshot_age, age, stages[tp].name)

    async def run(self, stages: Mapping[TP, Stage]) -> None:
        """Keep whatever is due, for ever."""
        while True:
            await asyncio.sleep(POLL_S)
            await self._trim.again()
            due = self._schedule.due(stages)
            if due is not None:
                await self._try_to_keep(due, stages[due], BUSY_S)

    async def _try_to_keep(self, tp: TP, stage: Stage, patience_s: float | None) -> None:
        try:
            await self.keep(tp, stage, patience_s)
        except BusyError:
            if tp in self._logs:
                self._schedule.put_off(tp)
            log.info("state is kept later", stage=stage.name, partition=stage.partition)
        except NOT_TAKEN as error:
            if tp in self._logs:  # else it moved away meanwhile
                self._failed.setdefault(tp, time.monotonic())
                self._schedule.put_off(tp)
                self._metrics.snapshot_failures.labels(stage.name).inc()
            log.warning(
                "state is not kept", stage=stage.name, partition=stage.partition, reason=repr(error)
            )

    async def keep_all(self, stages: Mapping[TP, Stage]) -> None:
        """Keep every stage as it is now: before a stop, so that a successor need not read much again."""
        for patience_s in (BUSY_S, None):  # who is busy comes last, and takes what time is left
            for tp in self._schedule.waiting(stages):
                if tp in stages:  # else it moved away meanwhile
                    await self._try_to_keep(tp, stages[tp], patience_s)

    async def keep(self, tp: TP, stage: Stage, patience_s: float | None = None) -> None:
        """Write a stage's state as it is now, and acknowledge what it covers."""
        async with self._one_at_a_time:
            if tp in self._logs:
                await self._keep(tp, stage, patience_s)

    async def _keep(self, tp: TP, stage: Stage, patience_s: float | None) -> None:
        state = self._logs[tp]
        if state.shut_out:
            raise ShutOutError(f"{state.where}: another worker keeps this state now")
        started = time.monotonic()
        async with held(stage.busy, patience_s):
            if self._logs.get(tp) is not state:
                return  # it moved away, or failed, while it was busy
            began = time.monotonic()  # waiting for a slow chunk costs nobody anything
            # Off the loop, which must answer meanwhile; nothing touches the stage under its lock.
            cut, worked = await to_its_end(asyncio.to_thread(_timed_cut, state, stage))
            said = self._said(tp)
        self._schedule.cost(tp, time.monotonic() - began)
        await self._while_it_moves(state.keep(cut, said, self._send(state.tp.partition)))
        if self._logs.get(tp) is not state:
            return  # it moved away meanwhile
        self._schedule.kept(tp, cut.next_offset)
        self._failed.pop(tp, None)
        self._covered(tp, cut.next_offset - 1)
        size = sum(map(len, cut.packed))
        self._metrics.snapshot_cpu.labels(stage.name).inc(worked)
        self._metrics.snapshots.labels(stage.name).inc()
        self._metrics.snapshot_bytes.labels(stage.name).inc(size)
        self._metrics.snapshot_seconds.labels(stage.name).observe(time.monotonic() - started)
        self._gauges[tp].set(self._metrics.snapshot_time, time.time(), stage.name)
        self._gauges[tp].set(self._metrics.state_log_bytes, state.bytes, stage.name)
        await self._trim.before(state.tp, state.deletable)

    async def _while_it_moves(self, keeping: Coroutine[Any, Any, None]) -> None:
        """Wait for a state to be kept, however large, but not for a broker that takes none of it."""
        task = asyncio.create_task(keeping)
        try:
            while not task.done():
                taken = self._taken
                await asyncio.wait({task}, timeout=self._settings.stall_s)
                if not task.done() and self._taken == taken:
                    raise TimeoutError(f"nothing taken for {self._settings.stall_s:.0f} s")
        finally:
            task.cancel()
        task.result()

    def _send(self, partition: int) -> Callable[[bytes], Awaitable[Awaitable[Any]]]:
        topic = self._settings.state_topic

        def taken(sent: asyncio.Future[Any]) -> None:
            self._taken += 1
            if not sent.cancelled():
                sent.exception()  # raised where it is awaited, if anybody still does

        async def send(record: bytes) -> Awaitable[Any]:
            sent: asyncio.Future[Any] = await self._producer.send(
                topic, record, partition=partition
            )
            self._sent += 1
            sent.add_done_callback(taken)
            return asyncio.shield(sent)  # who gives up waiting for it does not take it back

        return send


def _timed_cut(state: Changelog, stage: Stage) -> tuple[Cut, float]:
    began = time.thread_time()
    cut = state.cut(stage.part, stage.next_offset, stage.around())
    return cut, time.thread_time() - began
