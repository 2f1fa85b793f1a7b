"""The shared values of one partition as a worker runs them: hand-overs in, findings out.

For offsets, see `streams.stages.accounts`.
"""

from __future__ import annotations

import asyncio
import time

from detectors.config import Loaded
from detectors.exchange.hand_over import decode
from detectors.exchange.report import Report
from detectors.interface.clock import NO_TIME
from detectors.networks.partition import NetworkPartition
from streams.bulk.chunks import Chunk, next_part
from streams.bulk.gone import Gone, gone_in
from streams.observe.metrics import Metrics
from streams.observe.stage_gauges import NetworkGauges, count_evidence
from streams.settings.settings import Settings
from streams.stage import Kept, Sent
from streams.stages.losses import refuse_to_go_on, tell_of, tick_end
from streams.stages.older import Readable
from streams.stages.sink import Sink


class NetworkStage:
    """One partition of hand-overs: key networks in, findings out."""

    name = "keys"
    shut_out = False  # it writes no marks

    def __init__(
        self, settings: Settings, loaded: Loaded, partition: int, sink: Sink, metrics: Metrics
    ) -> None:
        self.partition = partition
        self.next_offset = 0
        self.networks = self.part = NetworkPartition(loaded.config, partition)
        self.busy = asyncio.Lock()
        self.lag = 0
        self._source = loaded.config.engine.partitions + partition
        self._settings = settings
        self._sink = sink
        self._metrics = metrics
        self._told = NO_TIME
        sources = loaded.config.engine.partitions
        self._readable = Readable(settings.handover_topic, partition, sources)
        self._gauges = NetworkGauges(metrics, settings.handover_topic, partition, self.networks)

    def close(self) -> None:
        """The partition moved away, or the worker stops."""
        self._gauges.partition.release()

    def watch(self, lag: int, undecided: int = 0) -> None:
        """So many records lie unread, or behind a transaction: show that, and time that passes meanwhile."""
        self.lag = lag
        self._gauges.partition.lag(lag, undecided)
        self._gauges.update(self.networks)

    async def settle(self) -> None:
        """Nothing: who hears a tick twice drops it by its number."""

    def around(self) -> bytes:
        """Nothing: all that is told has been told when the stage is not busy."""
        return b""

    def restore(self, kept: Kept) -> None:
        """The partition was restored: go on from there."""
        self.next_offset = kept.next_offset
        self._told = self.networks.closed
        self._gauges.restore(self.networks)

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def process(self, chunk: Chunk) -> Sent:
        """Take what is new in a chunk; returns what was sent because of it."""
        part = next_part(chunk, self.next_offset)
        if gone := gone_in(chunk, self.next_offset):
            self._lose(gone)
        if part is None:
            return []
        started = time.perf_counter()
        for hand_over in self._readable.of(part, decode):
            self.networks.receive(hand_over)
        self.next_offset = part.ends
        sent: Sent = []
        told = self._told
        for findings in self.networks.advance():
            count_evidence(self._metrics, findings)
            sent += await self._sink.report(Report(self._source, findings.tick, findings))
            told = findings.tick
        if self.networks.closed > self._told:
            if told < self.networks.closed:
                sent += await self._sink.report(Report(self._source, self.networks.closed))
            self._told = self.networks.closed
        self._metrics.batch.labels("keys").observe(time.perf_counter() - started)
        self._gauges.update(self.networks)
        return sent

    def _lose(self, gone: Gone) -> None:
        """Go on without records that are gone.

        Nothing of that depends on a clock, so that it need not be written down first: whoever goes on from
        the same place finds the same hole, or a larger one.
        """
        refuse_to_go_on(gone, self._settings)
        tell_of(gone, self.name, self._metrics, tick_end(self.networks.closed))
        self.networks.lose(gone.first, gone.end)
        self.next_offset = gone.end
