"""What a stage has done, for whoever watches: ticks and windows closed. What its detectors did: its host."""

from __future__ import annotations


class StageCounters:
    """Counts that no decision reads."""

    def __init__(self) -> None:
        self.ticks = 0
        self.windows = {"minute": 0, "hour": 0, "day": 0}
