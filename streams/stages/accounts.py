"""The accounts of one partition as a worker runs them: request events in, hand-overs and reports out.

A stage knows the next offset that it has not taken. What Kafka delivers again lies before it and is
dropped; what is kept over a rebalance goes on from it; what was lost is rebuilt from the beginning, and
what it then says again is dropped by who hears it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

import msgspec

from detectors.accounts.outbox import Scratch
from detectors.accounts.partition import AccountPartition
from detectors.accounts.state import MAX_TIME
from detectors.accounts.tick_closer import ClosedTick
from detectors.config import Loaded
from detectors.decode.decoder import Decoder
from detectors.exchange.hand_over import watermark_only
from detectors.exchange.report import Report
from detectors.interface.clock import MINUTE_MS, NO_TIME
from streams.bulk.chunks import Chunk, next_part, split_at
from streams.bulk.gone import Gone, gone_in
from streams.decisions.log import DecisionLog, Erased, EraseRequest, IdleMark, Lost
from streams.kafka.fencing import ShutOutError
from streams.observe.input_quality import InputQuality
from streams.observe.metrics import Metrics
from streams.observe.misplacement import Misplacement
from streams.observe.stage_gauges import AccountGauges, count_evidence
from streams.settings.settings import Settings
from streams.stage import Kept, Sent
from streams.stages.dead_letters import dead_letter
from streams.stages.losses import refuse_to_go_on, tell_of
from streams.stages.sink import Sink

OwnMark = IdleMark | Erased | Lost


class AccountStage:
    """One partition of requests: records in, hand-overs and reports out."""

    name = "accounts"

    def __init__(
        self,
        settings: Settings,
        loaded: Loaded,
        partition: int,
        sink: Sink,
        metrics: Metrics,
        scratch: Scratch,
    ) -> None:
        self.partition = partition
        self.next_offset = 0
        self.accounts = self.part = AccountPartition(loaded.config, partition, scratch)
        self.busy = asyncio.Lock()  # held while input is taken, and while the state is kept
        self.last_record = time.monotonic()  # when the partition last had something to say
        self.lag = 0
        self._settings = settings
        self._sink = sink
        self._metrics = metrics
        self._decoder = Decoder(
            settings.hash_key_bytes(), loaded.config.engine.future_minutes * MINUTE_MS
        )
        self._decisions = DecisionLog(settings, "accounts", partition, sink)
        self._due: deque[OwnMark] | None = None  # written down earlier, by their place
        self._answered: dict[str, int] = {}  # requests to erase, by id: after which request event
        self._told = NO_TIME
        self._closed = False
        self._gauges = AccountGauges(metrics, settings.requests_topic, partition, self.accounts)

    @property
    def late_share(self) -> float | None:
        """The share of late events lately; None where too few were taken to tell."""
        return self._gauges.late.share

    def close(self) -> None:
        """The partition moved away, or the worker stops: what is under way writes nothing down."""
        self._closed = True
        self._gauges.partition.release()

    def watch(self, lag: int, undecided: int = 0) -> None:
        """So many records lie unread, or behind a transaction: show that, and time that passes meanwhile."""
        self.lag = lag
        self._gauges.partition.lag(lag, undecided)
        self._gauges.update(self.accounts)

    @property
    def quality(self) -> InputQuality:
        """What of the recent input could not be used as it is."""
        return self._gauges.quality

    @property
    def misplacement(self) -> Misplacement:
        """How much of the recent input belongs in another partition."""
        return self._gauges.misplacement

    @property
    def shut_out(self) -> bool:
        """Whether another worker has written down that it runs this partition."""
        return self._decisions.shut_out

    async def settle(self) -> None:
        """Nothing: who hears a tick twice drops it by its number."""

    def around(self) -> bytes:
        """Which requests to erase have been answered just here; what lies behind shows in the state."""
        here = self.next_offset - 1
        return msgspec.msgpack.encode(
            sorted(id_ for id_, at in self._answered.items() if at == here)
        )

    def restore(self, kept: Kept) -> None:
        """The partition was restored: go on from there."""
        self.next_offset = kept.next_offset
        self._told = self.accounts.closed if self.accounts.settled else NO_TIME
        if kept.around:
            answered = msgspec.msgpack.decode(kept.around, type=list[str])
            self._answered = dict.fromkeys(answered, kept.next_offset - 1)
        self._gauges.restore(self.accounts)

    async def prepare(self) -> None:
        """Shut out whoever wrote down before, and read it; once."""
        if self._due is not None or self._closed:
            return
        marks = [m for m in await self._decisions.take_over() if isinstance(m, OwnMark)]
        if self._due is None:  # else somebody who came meanwhile was faster
            # What was written down further back is in the state that was restored.
            here = self.next_offset - 1
            passed = [m for m in marks if m.offset < here]  # of a loss the state knows as well
            self._answered |= {m.id: m.offset for m in passed if isinstance(m, Erased)}
            self._due = deque(m for m in marks if m.offset >= here)

    async def process(self, chunk: Chunk) -> Sent:
        """Take what is new in a chunk; returns what was sent because of it."""
        part = next_part(chunk, self.next_offset)
        if chunk.lost:
            return await self._do_without(chunk)
        if part is None:
            return []
        sent: Sent = []
        self.last_record = time.monotonic()
        started = time.perf_counter()
        while part is not None:
            sent += await self._obey_due()
            now, part = split_at(part, self._due[0].offset + 1 if self._due else None)
            sent += await self._ingest(now)
        self._metrics.batch.labels("accounts").observe(time.perf_counter() - started)
        self._gauges.update(self.accounts)
        return sent

    async def _do_without(self, chunk: Chunk) -> Sent:
        """Write down, then apply, that requests are gone, unless that was written down before."""
        sent = await self._obey_due()
        gone = gone_in(chunk, self.next_offset)
        if gone is None or self._closed:
            return sent
        refuse_to_go_on(gone, self._settings)
        mark = Lost(gone.first - 1, gone.end)
        if not await self._decisions.write(mark):
            raise ShutOutError(f"{gone}: what is done about it is for another worker to say")
        return sent + await self._obey(mark)

    async def mark_idle(self, watermark: int) -> Sent:
        """Write down, then apply, that nothing before `watermark` is expected of this partition."""
        sent = await self._obey_due()
        if self._closed or self._due or watermark <= self.accounts.watermark:
            return sent
        if not await self._decisions.write(IdleMark(self.next_offset - 1, watermark)):
            return sent
        return sent + await self._tell(self.accounts.raise_mark(watermark))

    async def erase(self, request: EraseRequest) -> Sent:
        """Write down, then do, what a request asks, once; `has_answered` tells whether it is done.

        It is not while what was written down earlier waits for its place in the requests.
        """
        sent = await self._obey_due()
        if self._closed or self._due or request.id in self._answered:
            return sent
        mark = Erased(
            request.id,
            request.account,
            self.next_offset - 1,
            home=request.home,
            found=self.accounts.holds(request.account),
        )
        if not await self._decisions.write(mark):
            return sent
        return sent + await self._obey(mark)

    async def _obey_due(self) -> Sent:
        sent: Sent = []
        while self._due and self._due[0].offset < self.next_offset:
            sent += await self._obey(self._due.popleft())
        return sent

    async def _obey(self, mark: OwnMark) -> Sent:
        if isinstance(mark, IdleMark):
            return await self._tell(self.accounts.raise_mark(mark.watermark))
        if isinstance(mark, Lost):
            self._lose(
                Gone(self._settings.requests_topic, self.partition, mark.offset + 1, mark.end)
            )
            return []
        if mark.id not in self._answered:  # else it is in the state that was restored
            self._answered[mark.id] = mark.offset
            if self.accounts.erase(mark.account, tell=mark.home):
                self._metrics.forgotten.inc()
        return []

    def _lose(self, gone: Gone) -> None:
        if gone.end > self.next_offset:
            tell_of(gone, self.name, self._metrics, int(self.accounts.state.scalars[MAX_TIME]))
            self.accounts.lose(gone.first, gone.end)
            self.next_offset = gone.end

    def has_answered(self, request: EraseRequest) -> bool:
        """Whether a request to erase an account has been carried out."""
        return request.id in self._answered

    async def _ingest(self, chunk: Chunk) -> Sent:
        decoded = self._decoder.decode(chunk.values, chunk.timestamps)
        # No await before the state has taken the chunk whole: a cancelled task must not halve it.
        closed = self.accounts.ingest(decoded)
        self.next_offset = chunk.ends
        sent: Sent = []
        decoded.rejected.extend(self.accounts.take_refused())
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
            sent.append(await self._sink.dead_letter(letter))
        self._gauges.count(decoded)
        return sent + await self._tell(closed)

    async def _tell(self, closed: list[ClosedTick]) -> Sent:
        sent: Sent = []
        targets = self.accounts.config.engine.partitions
        told = [self._told] * targets
        told_owner = self._told
        for tick in closed:
            for target, hand_over in tick.hand_overs.items():
                sent += await self._sink.hand_over(target, hand_over)
                told[target] = tick.tick
            if tick.findings is not None:
                count_evidence(self._metrics, tick.findings)
            said = tick.findings, tick.names, tick.activity, tick.spellings
            if any(one is not None for one in said):
                report = Report(self.partition, tick.tick, *said)
                sent += await self._sink.report(report)
                told_owner = tick.tick
        end = self.accounts.closed
        if end > self._told and self.accounts.settled:
            for target in range(targets):
                if told[target] < end:
                    mark = watermark_only(self.partition, end)
                    sent += await self._sink.hand_over(target, mark)
            if told_owner < end:
                sent += await self._sink.report(Report(self.partition, end))
            self._told = end
        return sent
