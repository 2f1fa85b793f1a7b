"""How events arrive: in order of ingest, most within a second, some late, some twice."""

from __future__ import annotations

import numpy as np

from worlds.requests import Requests, appended

LATE = 0.01
LATE_MEDIAN_MS = 60_000
LATE_SPREAD = 1.1  # of the log: about 2 % of the late ones take more than ten minutes
TWICE = 0.005


def delivered(rng: np.random.Generator, sent: Requests) -> Requests:
    """Give every event its ingest time, and deliver some a second time.

    A redelivered event keeps all but its ingest time, which is later.
    """
    count = len(sent)
    delay = rng.lognormal(np.log(250), 0.7, count)
    late = rng.random(count) < LATE
    delay += np.where(late, rng.lognormal(np.log(LATE_MEDIAN_MS), LATE_SPREAD, count), 0.0)
    sent.ingest = sent.time + delay.astype(np.int64)
    again = sent.take(rng.random(count) < TWICE)
    again.ingest = again.ingest + 1 + rng.lognormal(8.5, 1.2, len(again)).astype(np.int64)
    return appended(sent, again)


def in_order(records: Requests, end_ms: int) -> Requests:
    """Put records in order of arrival, without those that are not there by `end_ms`."""
    present = np.flatnonzero(records.ingest < end_ms)
    return records.take(present[np.argsort(records.ingest[present], kind="stable")])
