"""How the accounts of each cohort moved in one closing, in whole numbers that merge over partitions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.exchange.findings import CohortSum
from detectors.interface.detector import Scores

COHORTS = 256  # tier * 8 + sign-up, one byte
MICRO = 1e6


def sums_of(detector: str, cohorts: NDArray[np.uint8], scores: Scores) -> list[CohortSum]:
    """Each cohort's sums of deviations and levels; `cohorts` (uint8, n) are those of the n windows."""
    table = np.zeros((COHORTS, 6), np.int64)
    if scores.deviation is not None:
        judged = ~np.isnan(scores.surprise) & ~np.isnan(scores.deviation)
        _add(table[:, 0:3], cohorts[judged], scores.deviation[judged])
    if scores.level is not None:
        known = ~np.isnan(scores.level)
        _add(table[:, 3:6], cohorts[known], scores.level[known])
    moved = np.flatnonzero(table[:, 0] + table[:, 3])
    return [CohortSum(detector, int(c), *table[c].tolist()) for c in moved]


def _add(table: NDArray[np.int64], cohorts: NDArray[np.uint8], values: NDArray[np.float64]) -> None:
    np.add.at(table[:, 0], cohorts, 1)
    np.add.at(table[:, 1], cohorts, np.rint(values * MICRO).astype(np.int64))
    np.add.at(table[:, 2], cohorts, np.rint(values * values * MICRO).astype(np.int64))
