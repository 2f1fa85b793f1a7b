"""Chooses the baselines' thresholds: the best F1 over accounts, on tuning seeds.

    python benchmarks/tune.py --preset standard --seeds 2 --scale 0.3

Held-out scenarios are left out and judging seeds are never touched. What it prints is written by
hand into benchmarks/judging/contenders.py, so that a threshold changes only where it can be seen.
"""

from __future__ import annotations

import argparse
import sys
from statistics import fmean

from rich.console import Console

from benchmarks.judging import split
from benchmarks.judging.arguments import add_sizes, sizes
from benchmarks.judging.contenders import BASELINES
from benchmarks.judging.summary import Outcome, grouped
from benchmarks.judging.trial import Trial, run_apart
from worlds.scoring.grid import Grid, show


def main() -> int:
    """Sweep every baseline's thresholds and print the best of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--seeds", type=int, default=2, choices=range(1, 6))
    add_sizes(parser)
    given = parser.parse_args()
    names = tuple(f"{n}@{at}" for n, tuned in BASELINES.items() for at in range(len(tuned.among)))
    outcomes: list[Outcome] = []
    for seed in split.TUNING_SEEDS[: given.seeds]:
        held_out = tuple(sorted(split.HELD_OUT))
        outcomes += run_apart(Trial(given.preset, seed, names, held_out, sizes(given)))
    show(Console(), table(outcomes))
    return 0


def table(outcomes: list[Outcome]) -> Grid:
    """A row per baseline and threshold; the best of each baseline is marked."""
    rows = []
    by_name = grouped(outcomes, lambda o: o["contender"])
    for name, tuned in BASELINES.items():
        scored = [
            (threshold, *_mean(by_name[f"{name}@{at}"]))
            for at, threshold in reversed(list(enumerate(tuned.among)))  # the strictest of equals
        ]
        best = max(scored, key=lambda row: row[3]) if scored else None
        for threshold, precision, recall, f1 in scored:
            mark = "best" if best and threshold == best[0] else ""
            rows.append(
                (name, str(threshold), f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", mark)
            )
    head = ("baseline", "threshold", "precision", "recall", "F1", "")
    return Grid("thresholds on tuning seeds", head, tuple(rows))


def _mean(outcomes: list[Outcome]) -> tuple[float, float, float]:
    """Precision, recall and F1, each averaged over the seeds."""
    pairs = []
    for outcome in outcomes:
        figures = outcome["score"]["figures"]
        pairs.append((figures["precision_throttle"] or 0.0, figures["account_recall"] or 0.0))
    f1 = fmean(2 * p * r / (p + r) if p + r else 0.0 for p, r in pairs)
    return fmean(p for p, _ in pairs), fmean(r for _, r in pairs), f1


if __name__ == "__main__":
    sys.exit(main())
