"""A plain threshold that passes every check, and detectors that each have one fault."""

import math
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np

from detectors.interface.detector import Card, Context, Evidence, Scores, Window, Windows
from detectors.interface.tunable import tunable
from detectors.testing.checks import Outcome
from detectors.volume import AccountVolume
from tests.detectors.testing.stories import DAY_MS, HOUR_MS


@dataclass(frozen=True)
class Threshold:
    """Reads requests_24h. Keeps the last ten. Fails on everybody who grows. Source: this test."""

    limit: float = tunable(2000.0, "twice what anybody here asks for", low=1, high=1e9)
    calls: ClassVar[list[float]] = []
    card: ClassVar[Card] = Card(
        "threshold", 1, "account", "volume", "hour", ("requests_24h",), 2, 128, ("this test",),
        active=10,
    )  # fmt: skip

    def fresh(self) -> Any:
        return {"seen": []}

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        requests = window.values.get("requests_24h", 0.0)
        if not math.isfinite(requests):
            return None
        warm = len(memory["seen"]) >= 2
        if window.complete:
            memory["seen"] = [*memory["seen"][-9:], requests]
        if not warm:
            return None
        return (self.alarm(window, requests),) if requests > self.limit else ()

    def alarm(self, window: Window, requests: float, **changed: Any) -> Evidence:
        start, end = window.end - DAY_MS, window.end
        said = Evidence(
            "threshold.v1", "volume", "requests", requests, self.limit, "requests", 9.0, start, end
        )
        return msgspec.structs.replace(said, **changed)

    def dump(self, memory: Any) -> Any:
        return [1, *memory["seen"]]

    def restore(self, plain: Any) -> Any:
        sound = isinstance(plain, list) and plain[:1] == [1]
        return {"seen": list(plain[1:])} if sound else None


class SharesState(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        self.calls.append(1.0)
        said = super().observe(memory, window, context)
        return (self.alarm(window, 1.0),) if said and len(self.calls) % 3 else said


class Rewrites(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        said = memory.setdefault("said", [])
        said.extend(super().observe(memory, window, context) or ())
        return said


class Forgets(Threshold):
    """Reads, keeps, fails, source."""

    def dump(self, memory: Any) -> Any:
        return [1]


class Hoards(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        said = super().observe(memory, window, context)
        memory["seen"] = memory["seen"] * 2 if len(memory["seen"]) < 500 else memory["seen"]
        return said


class ChangesItself(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        object.__setattr__(self, "limit", self.limit + 1e-9)
        return super().observe(memory, window, context)


class LooksAtTheClock(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        time.time()
        return super().observe(memory, window, context)


class Insists(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        window.values["requests_24h"]
        return super().observe(memory, window, context)


class SpeaksTooSoon(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        return super().observe(memory, window, context) or ()


class LearnsFromHoles(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        whole = msgspec.structs.replace(window, complete=True)
        said = super().observe(memory, whole, context)
        return () if said and 1.0 in memory["seen"] else said


class Quiet(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        return None


class Coin(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        heads = (window.end // HOUR_MS * 2654435761) >> 7 & 1
        return (self.alarm(window, 1.0),) if heads else ()


class Quotes(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        said: Outcome = super().observe(memory, window, context)
        quoted = str(dict(window.values))
        return tuple(msgspec.structs.replace(e, parameter=quoted) for e in said or ()) or said


class TrustsDumps(Threshold):
    """Reads, keeps, fails, source."""

    def restore(self, plain: Any) -> Any:
        return {"seen": list(plain[1:])}


class Undocumented(Threshold):
    """Watches volume."""


class Exaggerates(Threshold):
    """Reads, keeps, fails, source."""

    def alarm(self, window: Window, requests: float, **changed: Any) -> Evidence:
        return super().alarm(window, requests, surprise=math.inf)


class Foresees(Threshold):
    """Reads, keeps, fails, source."""

    def alarm(self, window: Window, requests: float, **changed: Any) -> Evidence:
        return super().alarm(window, requests, window_end=window.end + DAY_MS)


class ReadsDreams(Threshold):
    """Reads, keeps, fails, source."""

    card: ClassVar[Card] = msgspec.structs.replace(Threshold.card, reads=("requests_25h",))


class ColumnsDiffer(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        said = super().observe(memory, window, context)
        return (
            tuple(msgspec.structs.replace(e, surprise=e.surprise * 0.99) for e in said or ())
            or said
        )


class SeesNeighbours(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        scores = super().observe_columns(memory, windows)
        return scores._replace(observed=scores.observed + windows.rows.size)


class Sprawls(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    @property
    def memory(self) -> np.dtype[Any]:
        return np.dtype([*AccountVolume().memory.descr, ("past", "<f8", 24)])


class LearnsHolesInColumns(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        return super().observe_columns(memory, windows._replace(complete=True))


class InsistsInColumns(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        if any(np.isnan(column).any() for column in windows.values.values()):
            raise ValueError("a value is missing")
        return super().observe_columns(memory, windows)


class TrustsRows(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        np.zeros(1_000)[memory["days"][windows.rows]]
        return super().observe_columns(memory, windows)


class FailsForSome(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        scores = super().observe_columns(memory, windows)
        return scores._replace(failed=scores.observed > 1e9)
