"""Windows into windows: a minute into its hour, an hour into its day, and the gaps in between.

Runs only when a tick closes, in order of account, so what is not commutative (the gap between one
event and the next) is still the same for whoever computes it.
"""

from __future__ import annotations

import numpy as np

from detectors.interface.clock import SECOND_MS
from detectors.interface.columns import (
    CAPABILITY_SLOTS,
    DISTINCT_WORDS,
    GAP_BINS,
    LANGUAGE_SLOTS,
    MODEL_SLOTS,
    TEMPLATE_GROUPS,
    Row,
)
from detectors.kernels.compiled import inlined, kernel

MOST_GAP_MS = SECOND_MS << 25  # a year: longer than any account is kept, and its square has room


@inlined
def gap_bin(seconds: int) -> int:
    """Bin of an inter-arrival time: powers of four from one second to an hour and eight minutes."""
    place = 0
    edge = 1
    while place < GAP_BINS - 1 and seconds >= edge:
        place += 1
        edge *= 4
    return place


@inlined
def add_capped(counts: np.ndarray, others: np.ndarray) -> None:
    """Add 16-bit counts, saturating."""
    for i in range(counts.size):
        total = np.int64(counts[i]) + np.int64(others[i])
        counts[i] = min(total, 65535)


@kernel
def merge(window: Row, other: Row) -> None:
    """Add `other` (a minute or an hour) to `window` (an hour or a day) of the same account."""
    if window.requests == 0:
        window.first = other.first
        window.last = other.last
    else:
        window.first = min(window.first, other.first)
        window.last = max(window.last, other.last)
    window.requests += other.requests
    window.input += other.input
    window.output += other.output
    window.reasoning += other.reasoning
    window.cost += other.cost
    window.errors += other.errors
    window.throttled += other.throttled
    window.gap_sum += other.gap_sum
    window.gap_squares += other.gap_squares
    window.active |= other.active
    for i in range(DISTINCT_WORDS):
        window.distinct[i] |= other.distinct[i]
    add_capped(window.capability, other.capability)
    add_capped(window.model, other.model)
    add_capped(window.templates, other.templates)
    add_capped(window.language, other.language)
    add_capped(window.gaps, other.gaps)


@kernel
def add_gap(window: Row, milliseconds: int, times: int) -> None:
    """Count `times` gaps of one length."""
    milliseconds = min(milliseconds, MOST_GAP_MS)
    seconds = milliseconds // SECOND_MS
    window.gap_sum += milliseconds * times
    window.gap_squares += seconds * seconds * times
    place = gap_bin(seconds)
    window.gaps[place] = min(np.int64(window.gaps[place]) + times, 65535)


@kernel
def add_gaps(window: Row, before: int, first: int, seconds: np.uint64, requests: int) -> None:
    """Gaps of one minute: from the last event before it, then between its occupied seconds.

    Gaps inside a minute are to the second (they come from a bitmap, so that arrival order cannot
    matter); the one before it is exact. `before` is 0 where there was none.
    """
    if before > 0 and first >= before:
        add_gap(window, first - before, 1)
    previous = -1
    occupied = 0
    for second in range(60):
        if (seconds >> np.uint64(second)) & np.uint64(1) != np.uint64(0):
            if previous >= 0:
                add_gap(window, (second - previous) * SECOND_MS, 1)
            previous = second
            occupied += 1
    if requests > occupied:
        add_gap(window, 0, requests - occupied)


@kernel
def clear(windows: np.ndarray, row: int) -> None:
    """Empty a window's row."""
    window = windows[row]
    window.input = 0
    window.output = 0
    window.reasoning = 0
    window.cost = 0
    window.first = 0
    window.last = 0
    window.gap_sum = 0
    window.gap_squares = 0
    window.requests = 0
    window.errors = 0
    window.throttled = 0
    window.active = 0
    for i in range(DISTINCT_WORDS):
        window.distinct[i] = 0
    for i in range(CAPABILITY_SLOTS):
        window.capability[i] = 0
    for i in range(MODEL_SLOTS):
        window.model[i] = 0
    for i in range(TEMPLATE_GROUPS):
        window.templates[i] = 0
    for i in range(LANGUAGE_SLOTS):
        window.language[i] = 0
    for i in range(GAP_BINS):
        window.gaps[i] = 0
