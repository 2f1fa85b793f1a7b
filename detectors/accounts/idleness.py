"""When a partition without traffic is told that time went on: a function of the records alone.

A partition whose watermark trails the furthest by more than the idle gap is raised to that gap
before its next event, wherever the batches were cut. The furthest is one whose time is vouched for
as in every partition (`event_time`): what moves no watermark in its own moves none elsewhere.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.event_time import (
    BEGINNING,
    GAP,
    LATENESS,
    follow_mark,
    reached,
    tell_time,
)
from detectors.accounts.state import MOST_TIME
from detectors.interface.clock import NO_TIME
from detectors.kernels.compiled import kernel


@kernel
def idle_marks(
    events: np.ndarray,
    targets: np.ndarray,
    scalars: np.ndarray,
    times: np.ndarray,
    rows: np.ndarray,
    marks: np.ndarray,
) -> int:
    """Find the events before which their own partition is raised; returns how many.

    `scalars` are a copy of each partition's, one row a partition, and are used up. `times` are
    those of `times_of`. `rows` and `marks` receive the events'
    places and the watermarks that they are raised to. `events` are EVENT rows; all others are int64:
    `targets`, `rows` and `marks` one an event.
    """
    lateness, gap_ms = times[LATENESS], times[GAP]
    furthest = np.int64(NO_TIME)
    for partition in range(scalars.shape[0]):
        if scalars[partition, st.BEGUN] >= BEGINNING:
            furthest = max(furthest, reached(scalars[partition], lateness))
    count = 0
    for at in range(events.size):
        event = events[at]
        time = event.event_time
        if time > MOST_TIME:
            continue
        own = scalars[targets[at]]
        if furthest != NO_TIME and reached(own, lateness) < furthest - gap_ms:
            follow_mark(own, furthest - gap_ms - lateness)
            rows[count] = at
            marks[count] = furthest - gap_ms - lateness
            count += 1
        tell_time(own, event.account, time, times)
        if own[st.BEGUN] >= BEGINNING:
            furthest = max(furthest, reached(own, lateness))
    return count
