"""How far one number tells attackers from others: log-odds of its bins, learnt on one half of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 24
Column = npt.NDArray[np.float64]


def bins_of(values: Any, label: Any, train: Any) -> Any:
    """Number the bins: edges at quantiles of all, and of the attackers, who may be few and near."""
    edges = [
        np.quantile(some, np.linspace(0, 1, count + 1)[1:-1])
        for some, count in ((values[train], BINS), (values[train & label], BINS // 2))
        if len(some)
    ]
    return np.searchsorted(np.unique(np.concatenate(edges)), values, side="right")


def histogram_scores(values: Any, label: Any, train: Any) -> Column:
    """Log-odds of each value's bin, learnt from the rows of `train`."""
    bins = bins_of(values, label, train)
    many = int(bins.max()) + 1
    good = np.bincount(bins[train & ~label], minlength=many) + 0.5
    bad = np.bincount(bins[train & label], minlength=many) + 0.5
    scores: Column = np.log(bad / bad.sum()) - np.log(good / good.sum())
    return scores[bins]


def area(scores: Column, label: Any) -> float:
    """Area under the ROC curve, ties counted half."""
    values, place = np.unique(scores, return_inverse=True)
    bad = np.bincount(place[label], minlength=len(values))
    good = np.bincount(place[~label], minlength=len(values))
    below = np.cumsum(good) - good
    return float((bad * (below + good / 2)).sum() / (bad.sum() * good.sum()))


def precision_at_half(scores: Column, label: Any) -> float:
    """Precision at the threshold that finds half of the attackers."""
    threshold = np.median(scores[label])
    return float(label[scores >= threshold].mean())


def told_by(values: Any, label: Any, half: Any) -> tuple[float, float]:
    """Area and precision at half recall; each half is scored by what the other one taught, and averaged."""
    found = []
    for held in (half, ~half):
        scores = histogram_scores(values, label, ~held)[held]
        found.append((area(scores, label[held]), precision_at_half(scores, label[held])))
    both = np.mean(found, axis=0)
    return float(both[0]), float(both[1])
