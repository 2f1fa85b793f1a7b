"""Coordination: accounts that share something, judged as one by what their group looks like.

No account of a campaign stands out; its group does: cards and devices in small cells within one content,
seats that load it evenly, newcomers who came together, nobody who does anything else. So each group is scored
as a whole, by how it differs from the stream's own accounts and not by any account of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.coordination_weights import INTERCEPTS, KINDS_WEIGHED, READS, WEIGHTS
from detectors.interface.clock import DAY_MS
from detectors.interface.detector import Card, Evidence, Scores, Seen, Windows
from detectors.interface.key_kinds import KINDS
from detectors.interface.tunable import on_trial, tunable

SIZE = "members"
DIGITS = 3  # of log odds: finer than any decision
GROUPS_PER_OPERATOR = 8.0  # nats: of some 3,000 groups that form in a stream one is an operator's


@dataclass(frozen=True, slots=True)
class Coordination:
    """Section [coordination]: groups of accounts whose look is an operator's.

    Reads what a group looks like at an hour's end, by kind of value (`detectors.groups.looks`). Two
    logistic models are fitted on simulated worlds of several authors, of looks whose sign the domain fixes:
    one of all, one without what a classifier in front of the gateway says; the lower counts. Keeps nothing.
    Context facts: `kind` (required). Fails where a group is new to all authors: a class of innocents that
    none of them drew, or operators who look like one. Source: weights by `benchmarks/fit.py`.
    """

    min_odds: float = tunable(
        0.0,
        "nats; as likely an operator's as not: cards may yet divide it, fusion wants more",
        low=-5,
        high=20,
    )
    shadow: bool = on_trial()

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        return Card(
            name="coordination",
            version=1,
            entity="group",
            family=None,
            window="hour",
            reads=(SIZE, *READS),
            min_windows=0,
            max_bytes=16,
            references=(
                "Q. Cao et al., Uncovering large groups of active malicious accounts, CCS 2014",
                "D. Pacheco et al., Uncovering coordinated networks on social media, ICWSM 2021",
            ),
        )

    @property
    def memory(self) -> np.dtype[Any]:
        """Nothing: a group is judged by what it is now."""
        return np.dtype([])

    def observe_columns(self, memory: NDArray[Any], windows: Windows) -> Scores:
        """Score n groups by kind; `memory`, which holds nothing, is not read."""
        scores = Scores.silent(windows.rows.size)
        odds = self.odds(windows)
        size = np.exp2(windows.values[SIZE])
        return scores._replace(
            odd=odds >= self.min_odds,
            surprise=np.clip(odds + GROUPS_PER_OPERATOR, 0.0, 100.0),
            observed=odds,
            expected=np.where(size > 0, -GROUPS_PER_OPERATOR, np.nan),
        )

    def odds(self, windows: Windows) -> NDArray[np.float64]:
        """Log odds that each of n groups is an operator's, the lower of both models; nan: no model."""
        looks = np.stack([windows.values[name] for name in READS], axis=1)
        kinds = windows.facts.get("kind", np.full(windows.rows.size, -1.0))
        found = np.full(windows.rows.size, np.nan)
        for place, kind in enumerate(KINDS_WEIGHED):
            mine = np.flatnonzero(kinds == kind)
            both = (looks[mine, None, :] * WEIGHTS[place]).sum(axis=2) + INTERCEPTS[place]
            found[mine] = both.min(axis=1)
        # Not by a matrix product, whose last bit hangs on where in memory its input lies; and rounded, so
        # that a last bit hardly ever decides.
        return np.round(found, DIGITS)

    def again(self, memory: NDArray[Any], windows: Windows, place: int) -> None:
        """Nothing raises for one group alone; `memory`, which holds nothing, is not read."""

    def evidence(self, seen: Seen) -> Evidence:
        """What a group that looks like an operator's looks like to a reader."""
        return self.about(seen, "nats of log odds")

    def of_cell(self, seen: Seen) -> Evidence:
        """What a card or device that divides such a group looks like: holders in it, in accounts."""
        return self.about(seen, "accounts in groups that act as one")

    def about(self, seen: Seen, unit: str) -> Evidence:
        """Evidence about a value, of the days in which its holders are those of now."""
        return Evidence(
            detector=self.card.tag,
            family=KINDS[seen.kind].family,
            parameter=f"accounts_alike_per_{KINDS[seen.kind].field}",
            observed=seen.observed,
            expected=seen.expected,
            unit=unit,
            surprise=seen.surprise,
            window_start=seen.end - 4 * DAY_MS,
            window_end=seen.end,
        )
