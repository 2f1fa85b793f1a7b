"""When a partition without traffic is told that time went on: a function of the records alone.

A partition whose watermark trails the furthest by more than the idle gap is raised to that gap
before its next event, wherever the batches were cut.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts.state import MOST_TIME
from detectors.interface.clock import NO_TIME
from detectors.kernels.compiled import kernel


@kernel
def idle_marks(
    events: np.ndarray,
    targets: np.ndarray,
    reached: np.ndarray,
    gap_ms: int,
    rows: np.ndarray,
    marks: np.ndarray,
) -> int:
    """Find the events before which their own partition is raised; returns how many.

    `reached` holds each partition's watermark plus the allowed lateness (NO_TIME: no event yet),
    and is used up. `rows` and `marks` receive the events' places and what they are raised to, in
    the same terms. `events` are EVENT rows; all others are int64: `targets`, `rows` and `marks` one
    an event, `reached` one a partition.
    """
    furthest = np.int64(NO_TIME)
    for partition in range(reached.size):
        furthest = max(furthest, reached[partition])
    count = 0
    for at in range(events.size):
        time = events[at].event_time
        if time > MOST_TIME:
            continue
        target = targets[at]
        if furthest != NO_TIME and reached[target] < furthest - gap_ms:
            reached[target] = furthest - gap_ms
            rows[count] = at
            marks[count] = furthest - gap_ms
            count += 1
        reached[target] = max(reached[target], time)
        furthest = max(furthest, time)
    return count
