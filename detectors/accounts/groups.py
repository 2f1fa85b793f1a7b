"""A closed day of whole groups of accounts, in sums: by model, sign-up cohort, organisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.accounts.models import close_models
from detectors.accounts.state import AccountState
from detectors.exchange.findings import GroupSum
from detectors.interface.columns import CAPABILITY_SLOTS, TEMPLATE_GROUPS
from detectors.interface.detector import Entity

MOST_GROUPS = 1_000  # of a kind, the busiest; a detector remembers fewer


def group_sums(
    state: AccountState, tick: int, rows: NDArray[np.int64], wanted: frozenset[Entity]
) -> tuple[GroupSum, ...]:
    """The groups of the kinds that detectors ask for, over the accounts (rows, int64, n) of a day."""
    found: list[GroupSum] = []
    if "model" in wanted:
        found += close_models(state, tick)
    for entity, column in (("cohort", "cohort"), ("organisation", "org")):
        if entity in wanted:
            ids = state.accounts[column][rows].astype(np.uint64)
            known = ids != 0 if entity == "organisation" else np.ones(ids.size, np.bool_)
            found += _summed(entity, ids[known], state.days[rows[known]])
    return tuple(found)


def _summed(entity: Entity, ids: NDArray[np.uint64], days: NDArray[np.void]) -> list[GroupSum]:
    groups, inverse = np.unique(ids, return_inverse=True)
    sums = np.zeros((groups.size, 4 + CAPABILITY_SLOTS + TEMPLATE_GROUPS), np.int64)
    for place, field in enumerate(("requests", "input", "output")):
        np.add.at(sums[:, place], inverse, days[field].astype(np.int64))
    np.add.at(sums[:, 3], inverse, 1)
    mixes = np.concatenate((days["capability"], days["templates"]), axis=1)
    np.add.at(sums[:, 4:], inverse, mixes.astype(np.int64))
    order = np.lexsort((groups, -sums[:, 0]))[:MOST_GROUPS]
    split = 4 + CAPABILITY_SLOTS
    return [
        GroupSum(
            entity=entity,
            group=int(groups[i]),
            requests=int(sums[i, 0]),
            input=int(sums[i, 1]),
            output=int(sums[i, 2]),
            accounts=int(sums[i, 3]),
            capability=tuple(sums[i, 4:split].tolist()),
            templates=tuple(sums[i, split:].tolist()),
        )
        for i in sorted(order.tolist())
    ]
