"""What was last found of each group: only what differs is told anew, or what would otherwise go stale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.kernels.siphash import fingerprint

REPORT = np.dtype(
    [("key", "<u8"), ("members", "<u8"), ("hour", "<i4"), ("nats", "<i4"), ("kind", "u1")]
)
AGAIN_HOURS = 12  # well before evidence about a value goes stale
_FORGET_HOURS = 7 * 24
_KEY = bytes(16)


class Reports:
    """By kind and key: the hour of the last report, its strength in whole nats, a digest of its members."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], tuple[int, int, int]] = {}

    def is_new(
        self, value: tuple[int, int], members: NDArray[np.uint64], nats: int, hour: int
    ) -> bool:
        """Whether a finding says something new at an hour: about a kind and key, of members (uint64).

        It is remembered as told then.
        """
        digest = int(fingerprint(members.tobytes(), _KEY))
        last = self._last.get(value)
        if last is not None and last[1:] == (nats, digest) and hour - last[0] < AGAIN_HOURS:
            return False
        self._last[value] = (hour, nats, digest)
        return True

    def forget(self, hour: int) -> None:
        """Forget what was told long ago."""
        fresh = {v: one for v, one in self._last.items() if hour - one[0] <= _FORGET_HOURS}
        self._last = fresh

    def tables(self) -> dict[str, NDArray[Any]]:
        """What is to be kept, by table."""
        rows = np.zeros(len(self._last), REPORT)
        for row, ((kind, key), (hour, nats, members)) in zip(
            rows, sorted(self._last.items()), strict=True
        ):
            row["kind"], row["key"] = kind, key
            row["hour"], row["nats"], row["members"] = hour, nats, members
        return {"group_reports": rows}

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept, as bytes; from nothing where nothing was."""
        if "group_reports" in tables:
            rows = tables["group_reports"].view(REPORT)
            self._last = {
                (int(r["kind"]), int(r["key"])): (int(r["hour"]), int(r["nats"]), int(r["members"]))
                for r in rows
            }
