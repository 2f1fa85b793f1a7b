"""What a network partition tells of a shared value: who holds it, since when, and what they did with it."""

from __future__ import annotations

import numpy as np

from detectors.exchange.findings import KeyFinding
from detectors.interface.detector import Evidence
from detectors.interface.key_kinds import TEMPLATE, unnamed
from detectors.judging.rarity import rarity_weight
from detectors.networks.state import NetworkState
from detectors.networks.windows import joined, parties


def finding_of(
    state: NetworkState,
    row: int,
    evidence: tuple[Evidence, ...],
    end: int,
    partitions: int,
    scratch: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> KeyFinding | None:
    """The finding about the value in a row, of who joined since its evidence begins; None: nobody.

    `end`: of the tick, ms. `scratch`: one place a member for accounts (uint64), times (int64) and
    organisations (uint64).
    """
    accounts, times, orgs = scratch
    shared = state.shared[row]
    kind = int(shared["kind"])
    count = joined(state, row, min(e.window_start for e in evidence), accounts, times, orgs)
    if count == 0:
        return None
    order = np.lexsort((accounts[:count], times[:count]))
    _, dominant, inside = parties(orgs[:count])
    population = int(state.announced[kind]) * partitions
    return KeyFinding(
        kind=kind,
        # All bands of a template are one signal: they report under its representative.
        key=int(shared["template"]) if kind == TEMPLATE else int(shared["key"]),
        value_fp=_name(state, row),
        evidence=evidence,
        members=tuple(int(a) for a in accounts[:count][order]),
        accounts=int(shared["accounts"]),
        weight=rarity_weight(int(shared["accounts"]), max(population, 1), kind),
        dominant_org=int(dominant),
        in_dominant_org=int(inside),
        first_seen=int(shared["first"]),
        last_seen=min(int(shared["last"]), end),
        requests=int(shared["past_requests"] + shared["day_requests"] + shared["hour_requests"]),
        output_tokens=int(shared["past_output"] + shared["day_output"] + shared["hour_output"]),
        capabilities=tuple(
            int(c) for c in shared["capability"].astype(np.int64) + shared["past_capability"]
        ),
    )


def _name(state: NetworkState, row: int) -> str:
    shared = state.shared[row]
    if shared["kind"] == TEMPLATE:
        return f"{int(shared['template']):016x}"
    if shared["name_len"] == 0:
        return unnamed(int(shared["kind"]), int(shared["key"]))
    at = int(shared["name_at"])
    return bytes(state.names[at : at + int(shared["name_len"])]).decode("utf-8", "replace")
