"""What shared values are called, for alerts: names of values whose holders make a group, or soon may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.exchange.activity import Spellings
from detectors.groups.forming import Groups
from detectors.interface.key_kinds import TEMPLATE, unnamed

_WAIT = 2  # pictures for which a name is kept before its value has made a group


class SpellingBook:
    """Names by kind and fingerprint, and for how many more pictures each is kept without a group."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, int], bytes] = {}
        self._left: dict[tuple[int, int], int] = {}

    def add(self, batch: Spellings) -> None:
        """Take names."""
        ends = np.cumsum(batch.lengths.astype(np.int64)).tolist()
        raw, start = batch.names.tobytes(), 0
        for kind, key, end in zip(batch.kinds.tolist(), batch.keys.tolist(), ends, strict=True):
            self._names[kind, key] = raw[start:end]
            self._left[kind, key] = _WAIT
            start = end

    def keep(self, groups: Groups) -> None:
        """Forget the names of what makes no group any more, or has made none."""
        grouped = set(zip(groups.kinds.tolist(), groups.keys.tolist(), strict=True))
        for value in list(self._names):
            if value in grouped:
                self._left[value] = _WAIT
            elif self._left[value] == 0:
                del self._names[value], self._left[value]
            else:
                self._left[value] -= 1

    def only(self, held: NDArray[np.void]) -> None:
        """Forget the names of values that nobody holds: HELD rows."""
        values = set(zip(held["kind"].tolist(), held["key"].tolist(), strict=True))
        for value in self._names.keys() - values:
            del self._names[value], self._left[value]

    def name(self, kind: int, key: int) -> str:
        """What a value is called; its fingerprint where that is not known."""
        if kind == TEMPLATE:
            return f"{key:016x}"
        known = self._names.get((kind, key))
        return unnamed(kind, key) if known is None else known.decode("utf-8", "replace")

    def tables(self) -> dict[str, NDArray[Any]]:
        """What is to be kept, by table."""
        values = sorted(self._names)
        return {
            "spelling_kinds": np.array([kind for kind, _ in values], np.uint8),
            "spelling_keys": np.array([key for _, key in values], np.uint64),
            "spelling_left": np.array([self._left[v] for v in values], np.uint8),
            "spelling_lengths": np.array([len(self._names[v]) for v in values], np.uint16),
            "spelling_names": np.frombuffer(b"".join(self._names[v] for v in values), np.uint8),
        }

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept, as bytes."""
        kinds, lengths = tables["spelling_kinds"], tables["spelling_lengths"].view(np.uint16)
        keys, left = tables["spelling_keys"].view(np.uint64), tables["spelling_left"]
        self.add(Spellings(0, 0, kinds, keys, lengths, tables["spelling_names"]))
        for kind, key, one in zip(kinds.tolist(), keys.tolist(), left.tolist(), strict=True):
            self._left[kind, key] = one
