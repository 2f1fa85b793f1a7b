"""Set-associative tables of rows: an entry lies anywhere in the one set that its hash names.

A set is `ways` rows from `base` on. Rows have a `tick`, 0 where they are empty; the oldest of a full
set gives way. `same(row, wanted)`, inlined, says whether a row is what is looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from detectors.interface.columns import Row
from detectors.kernels.compiled import inlined


@inlined
def look_up(
    rows: np.ndarray, base: int, ways: int, same: Callable[[Row, Any], bool], wanted: Any
) -> tuple[int, int]:
    """(the first row of a set that is what is looked for, or -1; the row to write over if none is).

    The latter is the first empty one, else the first of those longest unused. In one pass: a set is
    several cache lines. `rows` is a structured array with an integer `tick`, int32 or int64.
    """
    found = -1
    victim = base
    least = rows[base].tick
    for at in range(base, base + ways):
        row = rows[at]
        if same(row, wanted):
            found = at
            break
        if row.tick < least:
            least = row.tick
            victim = at
    return found, victim
