"""What a closing tick hands over, cut by target: scratch that is reused, and the hand-overs from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.close_minute import KeySums, key_sums
from detectors.accounts.state import AccountState
from detectors.exchange.bands import BANDS
from detectors.exchange.hand_over import HandOver
from detectors.exchange.rows import EDGE, LOAD, ONE, SUM, TEMPLATE_ROW
from detectors.interface.columns import CAPABILITY_SLOTS
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.arena import append
from detectors.kernels.compiled import kernel
from detectors.kernels.hashing import mix

EDGES, NAMES, SUMS, ONES, TEMPLATES, TABLES = range(6)
LIGHT = 1 << 32  # tokens from which a single request no longer travels in the light form


class Outbox(NamedTuple):
    """Tables of one closing tick by target: of target q, from starts[table, q] to starts[table, q + 1]."""

    edges: np.ndarray
    names: np.ndarray
    sums: np.ndarray
    ones: np.ndarray
    templates: np.ndarray
    starts: np.ndarray  # (TABLES, partitions + 1)
    cursors: np.ndarray  # (TABLES, partitions)
    targets: np.ndarray
    bands: np.ndarray  # TEMPLATE_ROW before they are cut by target
    keys: np.ndarray  # to sort by, with what is sorted, and as much to spare
    order: np.ndarray
    spare_keys: np.ndarray
    spare: np.ndarray


def outbox(partitions: int, keys: int, edges: int, names: int, prompts: int, rows: int) -> Outbox:
    """Scratch with room for so many keys, edges, bytes of names, prompts and minutes."""
    most = max(keys, edges, prompts * BANDS)
    sorted_at_once = max(rows, prompts)
    return Outbox(
        edges=np.zeros(edges, EDGE),
        names=np.zeros(names, np.uint8),
        sums=np.zeros(keys, SUM),
        ones=np.zeros(keys, ONE),
        templates=np.zeros(prompts * BANDS, TEMPLATE_ROW),
        starts=np.zeros((TABLES, partitions + 1), np.int64),
        cursors=np.zeros((TABLES, partitions), np.int64),
        targets=np.zeros(most, np.int64),
        bands=np.zeros(prompts * BANDS, TEMPLATE_ROW),
        keys=np.zeros(sorted_at_once, np.uint64),
        order=np.zeros(sorted_at_once, np.int64),
        spare_keys=np.zeros(sorted_at_once, np.uint64),
        spare=np.zeros(sorted_at_once, np.int64),
    )


def hand_overs(outbox: Outbox, source: int, tick: int) -> dict[int, HandOver]:
    """One hand-over, with tables of its own, per target that has anything to be told."""
    tables = (outbox.edges, outbox.names, outbox.sums, outbox.ones, outbox.templates)
    starts = outbox.starts.tolist()
    # By way of bytes: numpy copies structured arrays field by field, which takes far longer.
    own = [
        np.frombuffer(bytearray(table[: row[-1]].tobytes()), table.dtype)
        for table, row in zip(tables, starts, strict=True)
    ]
    loads = np.zeros(0, LOAD)
    made = {}
    for target in range(len(starts[0]) - 1):
        stop = target + 1
        if all(row[target] == row[stop] for row in starts):
            continue
        edges, names, sums, ones, templates = (
            table[row[target] : row[stop]] for table, row in zip(own, starts, strict=True)
        )
        made[target] = HandOver(source, tick, edges, names, sums, ones, loads, templates)
    return made


@kernel
def target_of(key: np.uint64, kind: int, partitions: int) -> int:
    """The network partition of a (key, kind): a function of the key alone, so every source agrees."""
    mixed = mix(key ^ (np.uint64(kind) << np.uint64(56)))
    target: int = np.int64(mixed % np.uint64(partitions))  # type: ignore[assignment]
    return target


@kernel
def targets_of(keys: np.ndarray, kinds: np.ndarray, partitions: int, targets: np.ndarray) -> None:
    """Fill `targets` with the network partition of each (key, kind).

    `keys` are uint64, `kinds` uint8, `targets` int64, one place each.
    """
    for i in range(keys.size):
        targets[i] = target_of(keys[i], kinds[i], partitions)


@kernel
def open_table(outbox: Outbox, table: int) -> None:
    """Forget how many rows each target has."""
    for target in range(outbox.starts.shape[1]):
        outbox.starts[table, target] = 0


@kernel
def lay_out(outbox: Outbox, table: int) -> None:
    """From rows per target (in `starts`, one place up) to where each target's rows begin."""
    starts = outbox.starts[table]
    for target in range(outbox.cursors.shape[1]):
        outbox.cursors[table, target] = starts[target]
        starts[target + 1] += starts[target]


@kernel
def place(outbox: Outbox, table: int, target: int, size: int) -> int:
    """Where a target's next row goes; moves its cursor on by `size`."""
    at = outbox.cursors[table, target]
    outbox.cursors[table, target] = at + size
    return at


@kernel
def pack_sums(outbox: Outbox, sums: np.ndarray, used: int) -> None:
    """Cut sums per key by target; those of one request travel in the light form. `sums` are rows.SUM."""
    partitions = outbox.cursors.shape[1]
    for i in range(used):
        row = sums[i]
        target = target_of(row.key, row.kind, partitions)
        outbox.targets[i] = target
        light = row.requests == 1 and row.input < LIGHT and row.output < LIGHT
        outbox.starts[ONES if light else SUMS, target + 1] += 1
    lay_out(outbox, ONES)
    lay_out(outbox, SUMS)
    for i in range(used):
        row = sums[i]
        target = outbox.targets[i]
        if row.requests == 1 and row.input < LIGHT and row.output < LIGHT:
            one = outbox.ones[place(outbox, ONES, target, 1)]
            one.key = row.key
            one.input = row.input
            one.output = row.output
            one.kind = row.kind
            one.capability = 255
            for c in range(CAPABILITY_SLOTS):
                if row.capability[c] > 0:
                    one.capability = c
                    break
        else:
            outbox.sums[place(outbox, SUMS, target, 1)] = row


@kernel
def pack_edges(state: AccountState, outbox: Outbox, tick: int) -> None:
    """Take the edges of a tick out of the pending ones, with the values they name."""
    partitions = outbox.cursors.shape[1]
    count = state.scalars[st.EDGES]
    for i in range(count):
        edge = state.edges[i]
        if edge.tick == tick:
            target = target_of(edge.key, edge.kind, partitions)
            outbox.targets[i] = target
            outbox.starts[EDGES, target + 1] += 1
            outbox.starts[NAMES, target + 1] += edge.name_len
    lay_out(outbox, EDGES)
    lay_out(outbox, NAMES)
    left = 0
    for i in range(count):
        edge = state.edges[i]
        if edge.tick != tick:
            if left != i:
                state.edges[left] = edge
            left += 1
            continue
        target = outbox.targets[i]
        own = outbox.edges[place(outbox, EDGES, target, 1)]
        own.key = edge.key
        own.account = edge.account
        own.org = edge.org
        own.time = edge.time
        own.kind = edge.kind
        own.young = edge.young
        own.ip_class = edge.ip_class
        own.name_len = edge.name_len
        end = place(outbox, NAMES, target, edge.name_len)
        own.name_at = end - outbox.starts[NAMES, target]
        append(outbox.names, end, state.names, edge.name_at, edge.name_len)
    state.scalars[st.EDGES] = left


@kernel
def pack_templates(outbox: Outbox, count: int) -> None:
    """Cut template rows (in `bands`, with their `targets`) by target."""
    for i in range(count):
        outbox.starts[TEMPLATES, outbox.targets[i] + 1] += 1
    lay_out(outbox, TEMPLATES)
    for i in range(count):
        outbox.templates[place(outbox, TEMPLATES, outbox.targets[i], 1)] = outbox.bands[i]


class Scratch:
    """What closing a tick needs: key sums and an outbox. They grow to the largest tick, and never shrink."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._sizes = (0, 0, 0, 0)
        self.sums: KeySums = key_sums(0)
        self.outbox: Outbox = outbox(partitions, 0, 0, 0, 0, 0)
        self.enlarge(0, 0, 0, 0)

    def enlarge(self, minutes: int, edges: int, names: int, prompts: int) -> None:
        """Make room for a tick of so many minutes and all that is pending, and half as much again."""
        least = (64, 64, 4096, 64)
        wanted = zip((minutes, edges, names, prompts), self._sizes, least, strict=True)
        rows, edges, names, prompts = (
            size if size >= need and size else max(need * 3 // 2, low) for need, size, low in wanted
        )
        self._sizes = (rows, edges, names, prompts)
        self.sums = key_sums(rows * ACCOUNT_KINDS)
        self.outbox = outbox(self._partitions, rows * ACCOUNT_KINDS, edges, names, prompts, rows)
