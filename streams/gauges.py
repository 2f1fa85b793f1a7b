"""From a stage's own counts to Prometheus: what changed since the last chunk, by bounded labels."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from detectors import account_state as st
from detectors import key_state as ks
from detectors.account_state import NO_TIME
from detectors.decode import Decoded
from detectors.findings import TickFindings
from detectors.kinds import KINDS
from detectors.schema import OPTIONAL
from detectors.tally import Tally
from streams.metrics import Metrics
from streams.transport_chunks import Chunk

if TYPE_CHECKING:
    from streams.stages import AccountStage, KeyStage

LATE_BY = {
    st.LATE_MINUTE: "1m",
    st.LATE_TEN: "10m",
    st.LATE_HOUR: "1h",
    st.LATE_DAY: "1d",
    st.LATE_LONGER: "more",
}
KEY_EVICTIONS = {
    ks.SINGLES_EVICTED: "single_key",
    ks.SHARED_EVICTED: "shared_key",
    ks.SHARED_OVERFLOW: "shared_key_refused",
    ks.MEMBER_OVERFLOW: "member_refused",
    ks.TEMPLATES_EVICTED: "template",
}
ACCOUNT_EVICTIONS = {
    st.ACCOUNTS_EVICTED: "account",
    st.ACCOUNT_OVERFLOW: "account_refused",
    st.MINUTE_OVERFLOW: "minute_refused",
    st.SIGHTING_OVERFLOW: "sighting",
    st.EDGE_OVERFLOW: "edge_refused",
    st.PROMPT_OVERFLOW: "prompt_refused",
}


def count_evidence(metrics: Metrics, findings: TickFindings) -> None:
    """Count the pieces of evidence of a tick."""
    pieces = [f.evidence for f in findings.accounts] + [f.evidence for f in findings.keys]
    for evidence in pieces:
        metrics.evidence.labels(evidence.detector, evidence.family).inc()


class TallyGauge:
    """Windows and detector time of one stage."""

    def __init__(self, metrics: Metrics, entity: str, detector: str, tally: Tally) -> None:
        tally.clock = time.perf_counter
        self._metrics = metrics
        self._entity = entity
        self._detector = detector
        self._tally = tally
        self._windows = dict(tally.windows)
        self._seconds = tally.detector_seconds

    def update(self) -> None:
        """Count what has been done since the last time."""
        for span, count in self._tally.windows.items():
            if count > self._windows[span]:
                new = count - self._windows[span]
                self._metrics.windows_closed.labels(self._entity, span).inc(new)
                self._windows[span] = count
        seconds = self._tally.detector_seconds
        self._metrics.detector_seconds.labels(self._detector).inc(seconds - self._seconds)
        self._seconds = seconds


class AccountGauges:
    """What one account partition shows."""

    def __init__(self, metrics: Metrics, partition: int, tally: Tally) -> None:
        self._metrics = metrics
        self._label = str(partition)
        self._seen = np.zeros(st.COUNTERS, np.int64)
        self._tally = TallyGauge(metrics, "account", "volume", tally)
        self._closed = NO_TIME

    def count(self, decoded: Decoded) -> None:
        """Count a decoded batch's rejects and unknown properties."""
        if decoded.rejected:
            self._metrics.events.labels("rejected").inc(len(decoded.rejected))
        for at in np.flatnonzero(decoded.unknown):
            self._metrics.unknown_properties.labels(OPTIONAL[at]).inc(int(decoded.unknown[at]))

    def update(self, stage: AccountStage, chunk: Chunk) -> None:
        """After a chunk: counters by their difference, gauges as they stand."""
        metrics, accounts = self._metrics, stage.accounts
        self._tally.update()
        now = accounts.counters.copy()
        new = now - self._seen
        self._seen = now
        metrics.events.labels("accepted").inc(int(new[st.ACCEPTED] - new[st.LATE]))
        metrics.events.labels("duplicate").inc(int(new[st.DUPLICATE]))
        metrics.events.labels("late").inc(int(new[st.LATE]))
        for place, by in LATE_BY.items():
            if new[place]:
                metrics.late_events.labels(by).inc(int(new[place]))
        if new[st.DEDUPE_OVERFLOW]:
            metrics.dedupe_overflow.inc(int(new[st.DEDUPE_OVERFLOW]))
        for place, kind in ACCOUNT_EVICTIONS.items():
            if new[place]:
                metrics.evictions.labels(kind).inc(int(new[place]))
        scalars = accounts.state.scalars
        clock = time.time()
        if scalars[st.MAX_TIME] != NO_TIME:
            newest = scalars[st.MAX_TIME] / 1000
            metrics.last_event.labels(self._label).set(newest)
            metrics.event_lag.labels(self._label).set(max(0.0, clock - newest))
            metrics.watermark_delay.labels("accounts", self._label).set(
                max(0.0, clock - accounts.watermark / 1000)
            )
        if accounts.closed > self._closed:
            if self._closed != NO_TIME:
                metrics.ticks_closed.labels("accounts").inc(accounts.closed - self._closed)
            self._closed = accounts.closed
        metrics.entities.labels("account", self._label).set(
            int(scalars[st.ACCOUNTS] - scalars[st.ACCOUNT_FREE])
        )
        for kind, size in accounts.bytes_by_kind().items():
            metrics.state_bytes.labels(kind, self._label).set(size)


class KeyGauges:
    """What one key partition shows."""

    def __init__(self, metrics: Metrics, partition: int, tally: Tally) -> None:
        self._metrics = metrics
        self._label = str(partition)
        self._seen = np.zeros(ks.KEY_COUNTERS, np.int64)
        self._tally = TallyGauge(metrics, "key", "births", tally)
        self._closed = NO_TIME

    def update(self, stage: KeyStage, chunk: Chunk) -> None:
        """After a chunk: counters by their difference, gauges as they stand."""
        metrics, keys = self._metrics, stage.keys
        self._tally.update()
        now = keys.state.counters.copy()
        new = now - self._seen
        self._seen = now
        for place, kind in KEY_EVICTIONS.items():
            if new[place]:
                metrics.evictions.labels(kind).inc(int(new[place]))
        if keys.closed > self._closed:
            if self._closed != NO_TIME:
                metrics.ticks_closed.labels("keys").inc(keys.closed - self._closed)
            self._closed = keys.closed
            metrics.watermark_delay.labels("keys", self._label).set(
                max(0.0, time.time() - (keys.closed + 1) * 60)
            )
        for known in KINDS:
            metrics.entities.labels(known.field, self._label).set(
                int(keys.state.by_kind[known.code])
            )
        metrics.entities.labels("single_key", self._label).set(int(now[ks.SINGLES]))
        for name, size in keys.bytes_by_kind().items():
            metrics.state_bytes.labels(name, self._label).set(size)
