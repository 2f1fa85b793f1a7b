"""How long a partition has had nothing to say, as against not having been heard."""

from __future__ import annotations

import time
from collections.abc import Callable

from faust.types import TP

ANSWER_S = 5.0  # a broker answers an empty fetch twice a second


class Idleness:
    """Counts only time in which the broker answered for the partition: an outage is no silence."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._unheard: dict[TP, float] = {}  # when we last could not have heard

    def lasts_s(self, tp: TP, last_record: float, answer_age_s: float | None) -> float:
        """Seconds without a record although the broker answered.

        `last_record` is by the clock; `answer_age_s` is how long ago the broker last answered for
        this partition, None if it has not yet.
        """
        now = self._clock()
        if answer_age_s is None or answer_age_s > ANSWER_S:
            self._unheard[tp] = now
            return 0.0
        # Up to the last answer: the broker may have gone since.
        heard = now - answer_age_s
        return max(0.0, heard - max(last_record, self._unheard.get(tp, last_record)))
