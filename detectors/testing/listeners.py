"""Stand between the host and a detector: one form of it, and what it said and raised there.

The host isolates what raises, and does not tell silence from "cannot say yet"; a check wants both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.errors import ContractError
from detectors.interface.detector import (
    Card,
    Columnar,
    Context,
    Detector,
    Evidence,
    Scores,
    Seen,
    Window,
    Windows,
)
from detectors.judging.soundness import encoded, sound_evidence
from detectors.testing.scenarios import Outcome

P = ParamSpec("P")
T = TypeVar("T")


class Notes:
    """What a detector raised last."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def of(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call gives; what it raises is noted, and raised."""
        try:
            return call(*args, **kwargs)
        except Exception as error:
            self.error = error
            raise


class Observed:
    """A detector in the form that sees one window; `told` is what it said, call by call.

    `then` is the same, encoded when it was said.
    """

    def __init__(self, detector: Detector[Any], card: Card) -> None:
        self.card = card
        self.notes = Notes()
        self.told: list[Outcome] = []
        self.then: list[bytes] = []
        self._detector = detector

    def fresh(self) -> Any:
        """The detector's."""
        return self.notes.of(self._detector.fresh)

    def observe(self, memory: Any, window: Window, context: Context) -> Outcome:
        """The detector's, noted."""
        said = self.notes.of(self._detector.observe, memory, window, context)
        for evidence in said or ():
            self.notes.of(sound_evidence, evidence, self.card, window.end)
        self.told.append(said)
        self.then.append(encoded(said))
        return said

    def dump(self, memory: Any) -> Any:
        """The detector's; raises ContractError where it is larger than the card says, or not plain."""
        return self.notes.of(self._dump, memory)

    def restore(self, plain: Any) -> Any:
        """The detector's."""
        return self.notes.of(self._detector.restore, plain)

    def _dump(self, memory: Any) -> Any:
        plain = self._detector.dump(memory)
        if not _is_plain(plain):
            raise ContractError("a dump holds more than numbers, strings, bytes, lists and dicts")
        size = len(msgspec.msgpack.encode(plain))
        if size > self.card.max_bytes:
            raise ContractError(f"a memory of {size} bytes; the card allows {self.card.max_bytes}")
        return plain


class InColumns:
    """A detector in the form that sees all windows at once."""

    def __init__(self, detector: Columnar, card: Card) -> None:
        self.card = card
        self.notes = Notes()
        self._detector = detector

    @property
    def memory(self) -> np.dtype[Any]:
        """The detector's."""
        return self._detector.memory

    def observe_columns(self, memory: NDArray[Any], windows: Windows) -> Scores:
        """The detector's; arrays as in `Columnar`."""
        return self.notes.of(self._detector.observe_columns, memory, windows)

    def evidence(self, seen: Seen) -> Evidence:
        """The detector's."""
        said = self.notes.of(self._detector.evidence, seen)
        return self.notes.of(sound_evidence, said, self.card, seen.end)

    def again(self, memory: NDArray[Any], windows: Windows, place: int) -> None:
        """The detector's; arrays as in `Columnar`."""
        self.notes.of(self._detector.again, memory, windows, place)


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return value is None or type(value) in (bool, int, float, str, bytes)
