"""All stages in one process: what `replay` and the tests run, and what the worker spreads over topics.

The worker's agents call the same objects; what differs is only how a hand-over travels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from detectors.accounts.idleness import idle_marks
from detectors.accounts.outbox import Scratch
from detectors.accounts.partition import AccountPartition
from detectors.accounts.tick_closer import ClosedTick
from detectors.config import VERSION, Loaded
from detectors.contract.alert import Alert, Mode, Trace
from detectors.contract.control_event import ControlEvent
from detectors.decode.decoder import Decoded, Decoder
from detectors.exchange.hand_over import watermark_only
from detectors.interface.clock import MINUTE_MS, NO_TIME
from detectors.kernels.partitioner import partition_of, partitions_at
from detectors.kernels.siphash import fingerprint
from detectors.networks.partition import NetworkPartition
from detectors.owner.owner import CampaignOwner


class Engine:
    """From record values to alerts, for every partition at once."""

    def __init__(self, loaded: Loaded, hash_key: bytes, mode: Mode = "replay") -> None:
        config = loaded.config
        self.config = config
        self.partitions = config.engine.partitions
        self._hash_key = hash_key
        self.decoder = Decoder(hash_key, config.engine.future_minutes * MINUTE_MS)
        scratch = Scratch(self.partitions)
        self.accounts = [AccountPartition(config, p, scratch) for p in range(self.partitions)]
        self.networks = [NetworkPartition(config, p) for p in range(self.partitions)]
        self.owner = CampaignOwner(
            config,
            sources=2 * self.partitions,
            trace=Trace(version=VERSION, config_digest=loaded.digest),
            mode=mode,
            hash_key=hash_key,
        )

    def control(self, event: ControlEvent) -> None:
        """Take a control event; it acts from its tick on."""
        self.owner.control(event)

    def erase(self, account_id: str) -> None:
        """Erase an account, as of what has been fed, in whichever partitions it is."""
        raw = account_id.encode()
        fp = fingerprint(raw, self._hash_key)
        home = partition_of(raw, self.partitions)
        for part in self.accounts:
            part.erase(fp, tell=part.source == home)

    def decode(
        self, values: Sequence[bytes | None], timestamps: np.ndarray | None = None
    ) -> Decoded:
        """Decode a batch; what cannot be read is among the result's `rejected`.

        `timestamps` (int64, n) as for `Decoder.decode`.
        """
        return self.decoder.decode(values, timestamps)

    def feed(self, decoded: Decoded) -> list[Alert]:
        """Take a decoded batch, each event in the partition that Kafka would put it in.

        Events whose time nobody else bears out are added to the batch's `rejected`.
        """
        events = decoded.events
        if self.partitions == 1:
            self._pass_on(0, self.accounts[0].ingest(decoded))
        else:
            targets = partitions_at(
                decoded.buffer, events["account_at"], events["account_len"], self.partitions
            )
            marks = self._marks_within(decoded, targets)
            for partition in range(self.partitions):
                rows = np.flatnonzero(targets == partition)
                self._feed(partition, decoded, rows, [m for m in marks if m[0] == partition])
        for account in self.accounts:
            decoded.rejected.extend(account.take_refused())
        self._mark_idle()
        return self._advance()

    def drain(self) -> list[Alert]:
        """Close all that is open, as if time went on without events."""
        latest = max(a.closed for a in self.accounts)
        if latest == NO_TIME:
            return []
        for account in self.accounts:
            self._pass_on(account.source, account.drain())
        self._mark_idle(gap_ms=0)
        return self._advance()

    def set_aside(self) -> dict[str, int]:
        """How many judgements each detector has raised for; only those that raised are named."""
        counts: Counter[str] = Counter()
        told = [part.isolations() for part in self.accounts]
        told += [part.isolations() for part in self.networks]
        for isolations in (*told, self.owner.isolations()):
            for name, isolation in isolations.items():
                counts[name] += isolation.times
        return {name: count for name, count in sorted(counts.items()) if count}

    def _feed(
        self, partition: int, decoded: Decoded, rows: np.ndarray, marks: list[tuple[int, int, int]]
    ) -> None:
        """One partition's rows of a batch, with its idle marks at their places."""
        account = self.accounts[partition]
        for _, row, watermark in marks:
            place = int(np.searchsorted(rows, row))
            self._pass_on(partition, account.ingest(decoded, rows[:place]))
            self._pass_on(partition, account.raise_mark(watermark))
            rows = rows[place:]
        if rows.size:
            self._pass_on(partition, account.ingest(decoded, rows))

    def _marks_within(self, decoded: Decoded, targets: np.ndarray) -> list[tuple[int, int, int]]:
        """Idle marks that fall within a batch: (partition, row before which, watermark)."""
        scalars = np.stack([account.times()[0] for account in self.accounts])
        times = self.accounts[0].times()[1]
        rows = np.zeros(targets.size, np.int64)
        marks = np.zeros(targets.size, np.int64)
        count = idle_marks(decoded.events, targets, scalars, times, rows, marks)
        return [
            (int(targets[row]), int(row), int(mark))
            for row, mark in zip(rows[:count], marks[:count], strict=True)
        ]

    def _mark_idle(self, gap_ms: int | None = None) -> None:
        """A partition without traffic trails the furthest by the idle gap at the most."""
        if gap_ms is None:
            gap_ms = self.config.engine.idle_gap_minutes * MINUTE_MS
        furthest = max((a.watermark for a in self.accounts if a.settled), default=NO_TIME)
        if furthest == NO_TIME:
            return
        for account in self.accounts:
            if account.watermark < furthest - gap_ms:
                self._pass_on(account.source, account.raise_mark(furthest - gap_ms))

    def _pass_on(self, source: int, closed: list[ClosedTick]) -> None:
        for tick in closed:
            for target, hand_over in tick.hand_overs.items():
                self.networks[target].receive(hand_over)
            if tick.names is not None:
                self.owner.receive_names(source, tick.names)
            if tick.findings is not None:
                self.owner.receive(source, tick.findings)
            if tick.spellings is not None:
                self.owner.receive_spellings(source, tick.spellings)
            if tick.activity is not None:
                self.owner.receive_activity(source, tick.activity)

    def _advance(self) -> list[Alert]:
        for account in self.accounts:
            if account.closed == NO_TIME or not account.settled:
                return []
        for account in self.accounts:
            for network in self.networks:
                network.receive(watermark_only(account.source, account.closed))
            self.owner.watermark(account.source, account.closed)
        for network in self.networks:
            for findings in network.advance():
                self.owner.receive(self.partitions + network.source, findings)
            self.owner.watermark(self.partitions + network.source, network.closed)
        return self.owner.advance()
