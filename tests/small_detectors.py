"""Small detectors that observe, for tests of what runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np

from detectors.interface.detector import (
    Card,
    Context,
    Evidence,
    Scores,
    Seen,
    Window,
    Windows,
)
from detectors.interface.tunable import tunable


@dataclass(frozen=True)
class Busy:
    """Says that a window has many requests; keeps how many windows and requests it has seen."""

    least: float = tunable(10.0, "requests that are many", low=0, high=1e9)
    card: ClassVar[Card] = Card(
        "busy", 1, "account", "timing", "hour", ("hour_requests",), 0, 64, ("this test",), active=8
    )

    def fresh(self) -> list[float]:
        return [0.0, 0.0]

    def observe(
        self, memory: list[float], window: Window, context: Context
    ) -> tuple[Evidence, ...] | None:
        requests = window.values["hour_requests"]
        memory[0] += 1.0
        memory[1] += requests
        if requests == 666.0:
            raise ValueError("of all numbers")
        return (
            (said_by(self.card, requests, memory[1], window.end),) if requests > self.least else ()
        )

    def dump(self, memory: list[float]) -> list[float]:
        return memory

    def restore(self, plain: Any) -> list[float] | None:
        return list(plain) if isinstance(plain, list) and len(plain) == 2 else None


@dataclass(frozen=True)
class BusyColumns:
    """The same in columns."""

    least: float = tunable(10.0, "requests that are many", low=0, high=1e9)
    card: ClassVar[Card] = msgspec.structs.replace(Busy.card, name="busy_columns", active=0)

    @property
    def memory(self) -> np.dtype[Any]:
        return np.dtype([("windows", "<f8"), ("requests", "<f8")])

    def observe_columns(self, memory: np.ndarray, windows: Windows) -> Scores:
        requests = windows.values["hour_requests"]
        failed = requests == 666.0
        if (requests == 999.0).any():
            raise KeyError("all of them")
        learned = windows.rows[~failed]
        memory["windows"][learned] += 1.0
        memory["requests"][learned] += requests[~failed]
        return Scores(
            odd=(requests > self.least) & ~failed,
            surprise=np.full(requests.size, 9.0),
            observed=requests,
            expected=memory["requests"][windows.rows],
            failed=failed,
        )

    def evidence(self, seen: Seen) -> Evidence:
        return said_by(self.card, seen.observed, seen.expected, seen.end)

    def again(self, memory: np.ndarray, windows: Windows, place: int) -> None:
        raise ValueError("of all numbers")


def said_by(card: Card, observed: float, expected: float, end: int) -> Evidence:
    return Evidence(
        card.tag, card.family or "identity", "hour_requests", observed, expected, "requests", 9.0,
        end - 3_600_000, end,
    )  # fmt: skip
