"""The engine's stages as a worker runs them: one per partition, each at an exact place of its topic.

A stage knows the next offset that it has not taken. Whatever Kafka delivers again lies before it
and is dropped; whatever is kept over a rebalance goes on from it; what was lost is rebuilt from the
beginning, and what it then says again is dropped by who hears it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable
from typing import Any

import msgspec
import numpy as np

from detectors.account_state import NO_TIME
from detectors.accounts import AccountPartition, ClosedTick
from detectors.alerts import Trace
from detectors.config import VERSION, Loaded
from detectors.decode import Decoder
from detectors.errors import StateError
from detectors.handover import decode as decode_hand_over
from detectors.handover import watermark_only
from detectors.keys import KeyPartition
from detectors.owner import CampaignOwner
from detectors.reports import Report
from detectors.reports import decode as decode_report
from detectors.workbench import Workbench
from streams.controls import ControlFollower
from streams.deadletters import dead_letter
from streams.gauges import AccountGauges, KeyGauges, OwnerGauges, count_evidence
from streams.history import (
    Forget,
    Forgotten,
    Mark,
    encode_mark,
    read_marks,
    read_published,
)
from streams.metrics import Metrics
from streams.outlet import Outlet
from streams.settings import Settings
from streams.state_log import Kept
from streams.transport_chunks import Chunk

Sent = list[Awaitable[Any]]


class AccountStage:
    """One partition of requests: records in, hand-overs and reports out."""

    name = "accounts"

    def __init__(
        self,
        settings: Settings,
        loaded: Loaded,
        partition: int,
        outlet: Outlet,
        metrics: Metrics,
        bench: Workbench,
    ) -> None:
        self.partition = partition
        self.next_offset = 0
        self.accounts = self.part = AccountPartition(loaded.config, partition, bench)
        self.busy = asyncio.Lock()  # held while input is taken, and while the state is kept
        self.last_record = time.monotonic()  # when the partition last had something to say
        self.lag = 0
        self._settings = settings
        self._outlet = outlet
        self._metrics = metrics
        self._decoder = Decoder(
            settings.hash_key_bytes(), loaded.config.engine.future_minutes * 60_000
        )
        self._marks: deque[Mark | Forgotten] | None = None
        self._answered: set[str] = set()  # requests to forget, by id
        self._told = NO_TIME
        self._gauges = AccountGauges(metrics, settings.requests_topic, partition, self.accounts)

    def close(self) -> None:
        """The partition moved away, or the worker stops."""
        self._gauges.partition.forget()

    def watch(self, lag: int) -> None:
        """So many records lie unread: show that, and time that passes while nothing is read."""
        self.lag = lag
        self._gauges.partition.lag(lag)
        self._gauges.update(self.accounts)

    def aside(self) -> bytes:
        """Which requests to forget an account have been answered; all else has been told."""
        return msgspec.msgpack.encode(sorted(self._answered))

    def went_on(self, kept: Kept) -> None:
        """The partition was restored: go on from there."""
        self.next_offset = kept.next_offset
        self._told = self.accounts.closed
        if kept.aside:
            self._answered = msgspec.msgpack.decode(kept.aside, type=set[str])
        self._gauges.restored(self.accounts)

    async def prepare(self) -> None:
        """Read what was written down for this partition, once."""
        if self._marks is None:
            marks = await read_marks(self._settings, self.partition)
            self._marks = deque(m for m in marks if isinstance(m, Mark | Forgotten))

    async def process(self, chunk: Chunk) -> Sent:
        """Take what is new in a chunk; returns what was sent because of it."""
        part = next_part(chunk, self.next_offset)
        if part is None:
            return []
        self.last_record = time.monotonic()
        sent: Sent = []
        started = time.perf_counter()
        while part is not None:
            mark = self._marks[0] if self._marks else None
            if mark is not None and mark.offset < self.next_offset:
                self._marks.popleft()  # type: ignore[union-attr]
                sent += await self._obey(mark)
                continue
            now, part = _split(part, mark.offset + 1 if mark else None)
            sent += await self._ingest(now)
        self._metrics.batch.labels("accounts").observe(time.perf_counter() - started)
        self._gauges.update(self.accounts)
        return sent

    async def mark_idle(self, watermark: int) -> Sent:
        """Write down, then apply, that nothing before `watermark` is expected of this partition."""
        sent: Sent = []
        while self._marks and self._marks[0].offset < self.next_offset:
            sent += await self._obey(self._marks.popleft())
        if self._marks or watermark <= self.accounts.watermark:
            return sent
        mark = Mark(self.next_offset - 1, watermark)
        await self._outlet.mark(self.partition, encode_mark(mark))
        return sent + await self._tell(self.accounts.raise_mark(watermark))

    async def forget(self, request: Forget) -> Sent:
        """Write down, then do, what a request asks, once; `has_answered` tells whether it is done.

        It is not while what was written down earlier waits for its place in the requests.
        """
        sent: Sent = []
        while self._marks and self._marks[0].offset < self.next_offset:
            sent += await self._obey(self._marks.popleft())
        if self._marks or request.id in self._answered:
            return sent
        mark = Forgotten(request.id, request.account, self.next_offset - 1)
        await self._outlet.mark(self.partition, encode_mark(mark))
        return sent + await self._obey(mark)

    async def _obey(self, mark: Mark | Forgotten) -> Sent:
        if isinstance(mark, Mark):
            return await self._tell(self.accounts.raise_mark(mark.watermark))
        if mark.id not in self._answered:  # else it is in the state that was restored
            self._answered.add(mark.id)
            self.accounts.forget(mark.account)
            self._metrics.forgotten.inc()
        return []

    def has_answered(self, request: Forget) -> bool:
        """Whether a request to forget an account has been carried out."""
        return request.id in self._answered

    async def _ingest(self, chunk: Chunk) -> Sent:
        decoded = self._decoder.decode(chunk.values, chunk.timestamps)
        # No await before the state has taken the chunk whole: a cancelled task must not halve it.
        closed = self.accounts.ingest(decoded)
        self.next_offset = chunk.ends
        sent: Sent = []
        for rejected in decoded.rejected:
            letter = dead_letter(
                chunk.keys[rejected.row],
                chunk.values[rejected.row],
                topic=chunk.topic,
                partition=chunk.partition,
                offset=int(chunk.offsets[rejected.row]),
                stage="receiving",
                error=rejected.reason,
                message=rejected.message,
            )
            self._metrics.dead_letters.labels(rejected.reason, "receiving").inc()
            sent.append(await self._outlet.dead_letter(letter))
        self._gauges.count(decoded)
        return sent + await self._tell(closed)

    async def _tell(self, closed: list[ClosedTick]) -> Sent:
        sent: Sent = []
        targets = self.accounts.config.engine.partitions
        told = [self._told] * targets
        told_owner = self._told
        for tick in closed:
            for target, hand_over in tick.hand_overs.items():
                sent += await self._outlet.hand_over(target, hand_over)
                told[target] = tick.tick
            if tick.findings is not None:
                count_evidence(self._metrics, tick.findings)
            if tick.findings is not None or tick.names is not None:
                report = Report(self.partition, tick.tick, tick.findings, tick.names)
                sent += await self._outlet.report(report)
                told_owner = tick.tick
        end = self.accounts.closed
        if end > self._told:
            for target in range(targets):
                if told[target] < end:
                    mark = watermark_only(self.partition, end)
                    sent += await self._outlet.hand_over(target, mark)
            if told_owner < end:
                sent += await self._outlet.report(Report(self.partition, end))
            self._told = end
        return sent


class KeyStage:
    """One partition of hand-overs: key networks in, findings out."""

    name = "keys"

    def __init__(
        self, settings: Settings, loaded: Loaded, partition: int, outlet: Outlet, metrics: Metrics
    ) -> None:
        self.partition = partition
        self.next_offset = 0
        self.keys = self.part = KeyPartition(loaded.config, partition)
        self.busy = asyncio.Lock()
        self._source = loaded.config.engine.partitions + partition
        self._outlet = outlet
        self._metrics = metrics
        self._told = NO_TIME
        self._gauges = KeyGauges(metrics, settings.handover_topic, partition, self.keys)

    def close(self) -> None:
        """The partition moved away, or the worker stops."""
        self._gauges.partition.forget()

    def watch(self, lag: int) -> None:
        """So many records lie unread: show that, and time that passes while nothing is read."""
        self._gauges.partition.lag(lag)
        self._gauges.update(self.keys)

    def aside(self) -> bytes:
        """Nothing: all that is told has been told when the stage is not busy."""
        return b""

    def went_on(self, kept: Kept) -> None:
        """The partition was restored: go on from there."""
        self.next_offset = kept.next_offset
        self._told = self.keys.closed
        self._gauges.restored(self.keys)

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def process(self, chunk: Chunk) -> Sent:
        """Take what is new in a chunk; returns what was sent because of it."""
        part = next_part(chunk, self.next_offset)
        if part is None:
            return []
        started = time.perf_counter()
        for value in part.values:
            if value is not None:
                self.keys.receive(decode_hand_over(value))
        self.next_offset = part.ends
        sent: Sent = []
        told = self._told
        for findings in self.keys.advance():
            count_evidence(self._metrics, findings)
            sent += await self._outlet.report(Report(self._source, findings.tick, findings))
            told = findings.tick
        if self.keys.closed > self._told:
            if told < self.keys.closed:
                sent += await self._outlet.report(Report(self._source, self.keys.closed))
            self._told = self.keys.closed
        self._metrics.batch.labels("keys").observe(time.perf_counter() - started)
        self._gauges.update(self.keys)
        return sent


class OwnerStage:
    """The owner of campaigns: reports in, alerts out."""

    name = "owner"
    partition = 0

    def __init__(
        self, settings: Settings, loaded: Loaded, outlet: Outlet, metrics: Metrics
    ) -> None:
        self.next_offset = 0
        self._settings = settings
        self._outlet = outlet
        self._metrics = metrics
        self._applied: dict[int, tuple[int, int]] = {}
        self._digest = loaded.digest
        # By topic and alert, the last revision there.
        self._published: dict[str, dict[str, int]] | None = None
        self.busy = asyncio.Lock()
        self.owner = self.part = CampaignOwner(
            loaded.config,
            sources=2 * loaded.config.engine.partitions,
            trace=Trace(version=VERSION, config_digest=loaded.digest),
            mode=settings.mode,
            hash_key=settings.hash_key_bytes(),
        )
        self._gauges = OwnerGauges(metrics, settings.evidence_topic, self.owner)
        self._controls = ControlFollower(settings, self.owner, self.busy, outlet, metrics)

    def close(self) -> None:
        """The partition moved away, or the worker stops."""
        self._controls.stop()
        self._gauges.forget()

    def watch(self, lag: int) -> None:
        """So many records lie unread: show that, and time that passes while nothing is read."""
        self._gauges.partition.lag(lag)
        self._gauges.update(self.owner)
        self._gauges.measure(self.owner)

    def aside(self) -> bytes:
        """How far each source was heard."""
        return msgspec.msgpack.encode(self._applied)

    def went_on(self, kept: Kept) -> None:
        """The owner was restored: go on from there."""
        self.next_offset = kept.next_offset
        self._applied = msgspec.msgpack.decode(kept.aside, type=dict[int, tuple[int, int]])
        self._gauges.restored(self.owner)

    def forget_published(self) -> None:
        """Another worker may have owned the topic meanwhile: read what was sent before sending."""
        self._published = None

    async def prepare(self) -> None:
        """Have all control events in force, and know what was sent."""
        await self._controls.catch_up()
        if self._published is None:
            shadow = self._settings.shadow_topic
            self._published = {
                topic: await read_published(
                    self._settings, self._metrics, topic, self._digest if topic == shadow else ""
                )
                for topic in (self._outlet.alert_topic(mode) for mode in self.owner.modes)
            }

    async def process(self, chunk: Chunk) -> Sent:
        """Take what is new in a chunk; returns what was sent because of it."""
        part = next_part(chunk, self.next_offset)
        if part is None or self._published is None:
            return []
        started = time.perf_counter()
        for value in part.values:
            if value is not None:
                self._receive(decode_report(value))
        self.next_offset = part.ends
        sent: Sent = []
        for alert in self.owner.advance():
            there = self._published[self._outlet.alert_topic(alert.mode)]
            if alert.revision > there.get(alert.alert_id, 0):
                sent.append(await self._outlet.alert(alert))
                there[alert.alert_id] = alert.revision
        self._metrics.batch.labels("owner").observe(time.perf_counter() - started)
        self._gauges.update(self.owner)
        return sent

    def _receive(self, report: Report) -> None:
        place = (report.tick, report.part)
        if place <= self._applied.get(report.source, (NO_TIME, -1)):
            return
        self._applied[report.source] = place
        self._gauges.heard(report.tick)
        if report.names is not None:
            self.owner.receive_names(report.source, report.names)
        if report.findings is not None:
            self.owner.receive(report.source, report.findings)
        if report.last:
            self.owner.watermark(report.source, report.tick)


def next_part(chunk: Chunk, next_offset: int) -> Chunk | None:
    """What of a chunk is new to a stage that has taken everything before `next_offset`.

    Raises StateError where records in between never came: to go on would leave a hole for good.
    """
    if chunk.high_water < next_offset:
        raise StateError(
            f"{chunk.topic} [{chunk.partition}] ends at {chunk.high_water}, and {next_offset} records "
            "of it were read: it was deleted and made anew, or its brokers lost its end. Stop all "
            "workers and begin anew, see `hydrawatch state reset --help`"
        )
    if 0 < next_offset < chunk.begins:
        raise StateError(
            f"{chunk.topic} [{chunk.partition}]: records {next_offset} to {chunk.begins - 1} were "
            "never delivered; either retention deleted them or the transport lost them. Restart "
            "the worker; if that says the same they are gone: begin anew, see `hydrawatch state "
            "reset --help`"
        )
    return chunk.since(next_offset)


def _split(chunk: Chunk, offset: int | None) -> tuple[Chunk, Chunk | None]:
    """The records before `offset`, and the rest; all of them where there is none to split at."""
    if offset is None or offset > chunk.last_offset:
        return chunk, None
    rest = chunk.since(offset)
    cut = int(np.searchsorted(chunk.offsets, offset))
    first = Chunk(
        chunk.topic,
        chunk.partition,
        chunk.values[:cut],
        chunk.keys[:cut],
        chunk.timestamps[:cut],
        chunk.offsets[:cut],
        chunk.high_water,
        chunk.begins,
        offset,
    )
    return first, rest
