"""How events reach the log: most within a second, some late, some twice, some lost in an outage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worlds.clock import MINUTE_MS
from worlds.kernel import NORMAL
from worlds.plan import Planned, units
from worlds.randomness import Floats, Words

LATE_AFTER_MS = 10_000  # from event to log: what the truth counts as late
_DELAY_MEDIAN_MS, _DELAY_SPREAD = 250.0, 0.7
_LATE_SPREAD = 1.1  # of the log: about 2 % of the late ones take more than ten minutes
_AGAIN_MEDIAN_MS, _AGAIN_SPREAD = 5_000.0, 1.2


@dataclass(frozen=True)
class Outage:
    """The collectors are down from `start` to `end` (ms): a share is lost, the rest comes after.

    What was kept is delivered within `drain_ms` of the end, as fast as the backlog empties.
    """

    start: int
    end: int
    lost: float = 0.3
    drain_ms: int = 20 * MINUTE_MS


@dataclass(frozen=True)
class Delivery:
    """Shares of late and redelivered events, the median lateness, and the outages."""

    late: float = 0.01
    late_median_ms: float = 60_000.0
    twice: float = 0.005
    outages: tuple[Outage, ...] = ()


@dataclass
class Lost:
    """How many events never arrived."""

    events: int = 0


def delivered(planned: Planned, delivery: Delivery, lost: Lost, end_ms: int) -> Planned:
    """Give events their ingest times, in any order; without the lost and those after `end_ms`."""
    keys = planned["key"]
    delay = _lognormal(keys, 8, _DELAY_MEDIAN_MS, _DELAY_SPREAD)
    late = units(keys, 9) < delivery.late
    delay += np.where(late, _lognormal(keys, 10, delivery.late_median_ms, _LATE_SPREAD), 0.0)
    planned["ingest"] = planned["time"] + delay.astype(np.int64)
    for outage in delivery.outages:
        held = (planned["ingest"] >= outage.start) & (planned["ingest"] < outage.end)
        gone = held & (units(planned["key"], 11) < outage.lost)
        lag = (units(planned["key"], 12) * outage.drain_ms).astype(np.int64)
        planned["ingest"] = np.where(held, outage.end + lag, planned["ingest"])
        lost.events += int(gone.sum())
        planned = planned[~gone]
    planned = planned[planned["ingest"] < end_ms]

    again = planned[units(planned["key"], 13) < delivery.twice].copy()
    later = _lognormal(again["key"], 14, _AGAIN_MEDIAN_MS, _AGAIN_SPREAD)
    again["ingest"] += 1 + later.astype(np.int64)
    again = again[again["ingest"] < end_ms]
    again["again"] = True
    return np.concatenate([planned, again])


def _lognormal(keys: Words, number: int, median: float, spread: float) -> Floats:
    share = units(keys, number) * (len(NORMAL) - 1)
    result: Floats = median * np.exp(spread * np.interp(share, np.arange(len(NORMAL)), NORMAL))
    return result
