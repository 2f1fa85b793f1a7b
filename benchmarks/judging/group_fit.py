"""Two logistic models of groups by kind, and how they judge an author whom they have not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from detectors.groups.forming import GROUP_KINDS
from detectors.interface.key_kinds import KINDS
from detectors.interface.looks import LOOKS

KINDS_FITTED = GROUP_KINDS
INNOCENT, GUILTY = (
    0.15,
    0.7,
)  # of a group's members: between them it is neither, and is not learned from
GREY = 0.3
RIDGE = 20.0
LEAST_SPREAD = 0.1
WORLD_WEIGHT = 200.0  # each class of a world counts as so many groups, however many there are
ODDS = 3.0  # nats at which a group counts as named in what `judge` prints

# Looks that judge, and what the domain says of each, whatever a fit finds: an operator's groups have more of
# it (1) or less (-1). They are those whose sign is the same on every author's worlds; of the others, which
# tell one author's innocents from his operators better than these do, none carries over.
SIGNS = {
    "volume_spread": -1, "age_spread": -1, "share_spread": -1, "capability_alike": -1, "hours_alike": -1,
    "born_together": 1, "new_7d": 1, "two_values": 1,
    "client_top": 1, "client_top3": 1, "client_shared": 1, "network_shared": 1, "network_small": 1,
    "card_small": 1, "card_cells": 1, "device_small": 1, "device_cells": 1, "prefix_small": 1,
    "prefix_cells": 1, "prefix_top": -1, "organisation_top": -1, "organisation_shared": -1,
    "referral_top": -1,
    "mean_volume": 1, "mean_output_length": 1, "mean_cot_score": 1, "mean_grading_score": 1,
    "mean_capability_entropy": 1, "mean_hours_entropy": 1, "mean_age": -1, "mean_turns_share": -1,
    "mean_web_share": -1, "mean_streams_share": -1,
}  # fmt: skip
# What a classifier in front of the gateway says: not every platform has one, and it may be wrong for hours.
CLASSIFIED = ("mean_cot_score", "mean_grading_score", "mean_capability_entropy", "capability_alike")

_COLUMNS = ("hour", "kind", "size", "guilty", "grey", "looks")


class Author(NamedTuple):
    """One world's groups, and whose world it is."""

    author: str
    world: str
    columns: dict[str, NDArray[np.float64]]

    @classmethod
    def load(cls, path: str) -> Author:
        """Read what `collect` wrote; ValueError where it is of other looks."""
        with np.load(path) as kept:
            if "looks_names" not in kept or kept["looks_names"].tolist() != list(LOOKS):
                raise ValueError(f"{path}: is of another version's looks; collect it again")
            columns = {name: kept[name] for name in _COLUMNS}
        name = Path(path).stem
        return cls(name.partition("_")[0], name, columns)

    def of(self, kind: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Looks, whether guilty, and weights of the groups that are clearly one or the other."""
        c = self.columns
        clear = (c["guilty"] <= INNOCENT) | (c["guilty"] >= GUILTY)
        mine = (c["kind"] == kind) & clear & (c["grey"] < GREY)
        guilty = (c["guilty"][mine] >= GUILTY).astype(np.float64)
        weights = np.sqrt(c["size"][mine].astype(np.float64))
        for side in (0.0, 1.0):
            total = weights[guilty == side].sum()
            if total > 0:
                weights[guilty == side] *= WORLD_WEIGHT / total
        return c["looks"][mine].astype(np.float64), guilty, weights


class Model(NamedTuple):
    """Log odds = looks @ weights + intercept, of each of both fits: (2, looks) and (2,)."""

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def odds(self, looks: NDArray[np.float64]) -> NDArray[np.float64]:
        """The lower of both."""
        found: NDArray[np.float64] = (looks @ self.weights.T + self.intercepts).min(axis=1)
        return found


def fitted(authors: Sequence[Author], kind: int) -> Model | None:
    """Both fits to a kind's groups of all worlds, with and without what a classifier says.

    None where there is too little of either class.
    """
    parts = [one.of(kind) for one in authors]
    looks, guilty, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    if guilty.sum() < 5 or (1 - guilty).sum() < 5:
        return None
    both = [_fit(looks, guilty, weights, without) for without in ((), CLASSIFIED)]
    return Model(np.array([w for w, _ in both]), np.array([i for _, i in both]))


def judged(authors: Sequence[Author]) -> Iterator[str]:
    """For each author left out and each kind: how a fit on the others judges his groups."""
    for author in sorted({one.author for one in authors}):
        others = [one for one in authors if one.author != author]
        for kind in KINDS_FITTED:
            model = fitted(others, kind) if others else None
            for one in authors:
                if one.author == author and model is not None:
                    yield _verdict(one, kind, model)


def _verdict(one: Author, kind: int, model: Model) -> str:
    c = one.columns
    mine = c["kind"] == kind
    odds = model.odds(c["looks"][mine].astype(np.float64))
    guilty, size = c["guilty"][mine], c["size"][mine].astype(np.float64)
    named = odds >= ODDS
    theirs = size * guilty
    innocent = size * (1 - guilty)
    hours = len(np.unique(c["hour"]))
    found = (theirs * named).sum() / max(theirs.sum(), 1.0)
    return (
        f"{one.world:<16} {KINDS[kind].field:<12} guilty memberships named {found:6.3f}, innocent "
        f"{(innocent * named).sum() / hours:7.2f} of {innocent.sum() / hours:9.1f} a picture"
    )


def _bounds(without: Sequence[str]) -> list[tuple[float | None, float | None]]:
    """What each look's weight may be; the intercept is free."""
    free = {1: (0.0, None), -1: (None, 0.0), 0: (0.0, 0.0)}
    signs = [0 if look in without else SIGNS.get(look, 0) for look in LOOKS]
    return [*(free[sign] for sign in signs), (None, None)]


def _fit(
    looks: NDArray[np.float64],
    guilty: NDArray[np.float64],
    weights: NDArray[np.float64],
    without: Sequence[str],
) -> tuple[NDArray[np.float64], float]:
    """Ridge logistic regression with fixed signs, but for some looks; weights for looks as they are."""
    # What hardly varies in the worlds at hand must not weigh by the little that it does.
    mean, spread = looks.mean(axis=0), np.maximum(looks.std(axis=0), LEAST_SPREAD)
    z = (looks - mean) / spread
    count = z.shape[1]

    def loss(p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = z @ p[:count] + p[count]
        error = weights * (1 / (1 + np.exp(-odds)) - guilty)
        value = float((weights * (np.logaddexp(0, odds) - guilty * odds)).sum())
        slope = np.append(z.T @ error + 2 * RIDGE * p[:count], error.sum())
        return value + RIDGE * float(p[:count] @ p[:count]), slope

    found = minimize(
        loss, np.zeros(count + 1), jac=True, method="L-BFGS-B", bounds=_bounds(without),
        options={"maxiter": 500},
    ).x  # fmt: skip
    own = found[:count] / spread
    return own, float(found[count] - (mean * own).sum())
