"""The owner of campaigns as a worker runs it: reports in, alerts out.

For offsets, see `streams.stages.accounts`. A restart decides anew what it had decided since its state was
kept; what the alert topics hold of that is not said again.
"""

from __future__ import annotations

import asyncio
import time

import msgspec

from detectors.config import VERSION, Loaded
from detectors.contract.alert import Alert, Trace
from detectors.exchange.report import Report, decode
from detectors.interface.clock import MINUTE_MS, NO_TIME
from detectors.owner.owner import CampaignOwner
from streams.bulk.chunks import Chunk, next_part
from streams.bulk.gone import Gone, gone_in
from streams.decisions.log import Saying
from streams.kafka.fencing import ShutOutError
from streams.observe.metrics import Metrics
from streams.observe.owner_gauges import OwnerGauges
from streams.settings.settings import Settings
from streams.stage import Kept, Sent
from streams.stages.control_topic import ControlFollower
from streams.stages.losses import refuse_to_go_on, tell_of, tick_end
from streams.stages.older import Readable
from streams.stages.published_alerts import Published, read_published
from streams.stages.sink import Sink


class OwnerStage:
    """The owner of campaigns: reports in, alerts out."""

    name = "owner"
    partition = 0

    def __init__(self, settings: Settings, loaded: Loaded, sink: Sink, metrics: Metrics) -> None:
        self.next_offset = 0
        self.lag = 0
        self._settings = settings
        self._sink = sink
        self._metrics = metrics
        self._applied: dict[int, tuple[int, int]] = {}
        self._digest = loaded.digest
        sources = 2 * loaded.config.engine.partitions
        self._readable = Readable(settings.evidence_topic, self.partition, sources)
        self._published: dict[str, Published] | None = None  # by topic
        self._closed = False
        self.busy = asyncio.Lock()
        self.owner = self.part = CampaignOwner(
            loaded.config,
            sources=sources,
            trace=Trace(version=VERSION, config_digest=loaded.digest),
            mode=settings.mode,
            hash_key=settings.hash_key_bytes(),
        )
        self._gauges = OwnerGauges(metrics, settings.evidence_topic, self.owner)
        self._controls = ControlFollower(
            settings, self.owner, self.busy, sink, metrics, loaded.config.engine.future_minutes
        )

    def close(self) -> None:
        """The partition moved away, or the worker stops."""
        self._closed = True
        self._controls.stop()
        self._gauges.release()

    def watch(self, lag: int, undecided: int = 0) -> None:
        """So many records lie unread, or behind a transaction: show that, and time that passes meanwhile."""
        self.lag = lag
        self._gauges.partition.lag(lag, undecided)
        self._gauges.update(self.owner)
        self._gauges.measure(self.owner)

    @property
    def shut_out(self) -> bool:
        """Whether another worker has written down that it owns the campaigns."""
        return self._controls.decisions.shut_out

    def around(self) -> bytes:
        """How far each source was heard."""
        return msgspec.msgpack.encode(self._applied)

    def restore(self, kept: Kept) -> None:
        """The owner was restored: go on from there."""
        self.next_offset = kept.next_offset
        self._applied = msgspec.msgpack.decode(kept.around, type=dict[int, tuple[int, int]])
        self._gauges.restore(self.owner)

    async def prepare(self) -> None:
        """Know what was sent, and have all control events in force."""
        if self._published is None:
            topics = [self._sink.alert_topic(mode) for mode in self.owner.modes]
            self._published = {topic: await self._read(topic) for topic in topics}
            self._controls.said_up_to = max(one.last_tick for one in self._published.values())
        await self._controls.catch_up()

    async def process(self, chunk: Chunk) -> Sent:
        """Take what is new in a chunk; returns what was sent because of it.

        Raises ShutOutError where another worker says it: then the stage is not to be kept any more.
        """
        if self._published is None or self._closed or self.shut_out:
            return []
        part = next_part(chunk, self.next_offset)
        if gone := gone_in(chunk, self.next_offset):
            self._lose(gone)
        if part is None:
            return []
        started = time.perf_counter()
        for report in self._readable.of(part, decode):
            self._receive(report)
        self.next_offset = part.ends
        sent = await self._say(self._published, list(self.owner.advance()))
        for there in self._published.values():
            there.shed(self.owner.closed * MINUTE_MS)
        self._metrics.batch.labels("owner").observe(time.perf_counter() - started)
        self._gauges.update(self.owner)
        return sent

    async def settle(self) -> None:
        """Wait until the chunk in hand is taken, and what was said of it is where a successor looks."""
        async with self.busy:
            topics = {self._sink.alert_topic(mode) for mode in self.owner.modes}
        for topic in topics:
            await self._sink.deliveries.settled(topic)

    async def _say(self, published: dict[str, Published], alerts: list[Alert]) -> Sent:
        places = [published[self._sink.alert_topic(alert.mode)] for alert in alerts]
        unsaid = [
            (alert, there)
            for alert, there in zip(alerts, places, strict=True)
            if alert.revision > there.revision(alert.alert_id)
        ]
        # Who stood still for longer than a session has a successor that says it: ask before, not after.
        if unsaid and not await self._controls.decisions.write(Saying(self.owner.closed)):
            raise ShutOutError("another worker owns the campaigns")
        sent: Sent = []
        for alert, there in unsaid:
            if self._closed:
                raise ShutOutError("the campaigns have moved away")
            sent.append(await self._sink.alert(alert))
            there.add(alert)
        return sent

    async def _read(self, topic: str) -> Published:
        # This worker may have owned it before, and what it said then may not be there yet.
        await self._sink.deliveries.settled(topic)
        digest = self._digest if topic == self._settings.shadow_topic else ""
        return await read_published(self._settings, self._metrics, topic, digest)

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
        if report.spellings is not None:
            self.owner.receive_spellings(report.source, report.spellings)
        if report.activity is not None:
            self.owner.receive_activity(report.source, report.activity)
        if report.last:
            self.owner.watermark(report.source, report.tick)

    def _lose(self, gone: Gone) -> None:
        """Go on without records that are gone.

        Nothing of that depends on a clock, so that it need not be written down first: whoever goes on from
        the same place finds the same hole, or a larger one.
        """
        refuse_to_go_on(gone, self._settings)
        tell_of(gone, self.name, self._metrics, tick_end(self.owner.closed))
        self.owner.lose(gone.first, gone.end)
        self.next_offset = gone.end
