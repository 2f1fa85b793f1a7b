"""One tick of hand-overs into the keys, in one call: who joins, then templates, then sums."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.exchange.hand_over import HandOver
from detectors.kernels.compiled import kernel
from detectors.networks.members import apply_edges
from detectors.networks.state import NetworkState
from detectors.networks.templates import apply_templates
from detectors.networks.windows import apply_ones, apply_sums


class Tables(NamedTuple):
    """The tables of one tick, all sources in order: rows as in `exchange.rows`, names uint8."""

    edges: np.ndarray
    names: np.ndarray
    templates: np.ndarray
    sums: np.ndarray
    ones: np.ndarray


def joined_tables(hand_overs: list[HandOver]) -> Tables:
    """One tick's hand-overs, in the order given, as one."""
    edges = joined_rows([h.edges for h in hand_overs])
    if edges.size:
        begin = row = 0
        for h in hand_overs:
            edges["name_at"][row : row + h.edges.size] += np.uint32(begin)
            row += h.edges.size
            begin += h.names.size
    return Tables(
        edges,
        joined_rows([h.names for h in hand_overs]),
        joined_rows([h.templates for h in hand_overs]),
        joined_rows([h.sums for h in hand_overs]),
        joined_rows([h.ones for h in hand_overs]),
    )


def joined_rows(parts: list[np.ndarray]) -> np.ndarray:
    """Tables (one-dimensional) of one row type, one after another, to be written to.

    By way of bytes: numpy joins structured arrays field by field, which takes far longer. All of
    one dtype.
    """
    return np.frombuffer(bytearray(b"".join([p.tobytes() for p in parts])), parts[0].dtype)


@kernel
def apply_tick(
    state: NetworkState,
    tables: Tables,
    tick: int,
    end_ms: int,
    expiry_ticks: int,
    cap: int,
    distance: int,
) -> None:
    """Take a tick's first sightings, then its templates, then its sums."""
    period = tick // expiry_ticks
    apply_edges(state, tables.edges, tables.names, tick, expiry_ticks, period, cap)
    apply_templates(state, tables.templates, tick, distance, period, expiry_ticks, cap)
    apply_sums(state, tables.sums, tick, end_ms)
    apply_ones(state, tables.ones, tick, end_ms)
