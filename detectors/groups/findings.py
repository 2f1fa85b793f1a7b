"""Groups that a detector calls odd, as findings about shared values: who holds them, and what they do."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from detectors.config import Config
from detectors.coordination import GROUPS_PER_OPERATOR
from detectors.exchange.findings import KeyFinding
from detectors.groups.book import ACTIVE, GroupBook, Picture
from detectors.groups.explanations import explained
from detectors.groups.forming import Groups
from detectors.groups.neighbours import Cell, cells
from detectors.interface.clock import DAY_MS, HOUR_MS
from detectors.interface.detector import Evidence
from detectors.interface.key_kinds import HARD_KINDS, KINDS, TEMPLATE
from detectors.interface.looks import LOOKS
from detectors.judging.closing import Tick
from detectors.judging.features import Closed
from detectors.judging.host import Host
from detectors.judging.rarity import rarity_weight

# Of a member's requests: who uses a value less only meets those who do, as everybody meets public ones.
LEAST_SHARE = 0.25
CERTAIN = 0.0  # nats of odds from which a group's cells are looked at
_ONE_ROW = 1  # detectors of groups keep nothing: a group is what it is now


class GroupWatch:
    """The detectors of groups, and what they find in a picture."""

    def __init__(self, config: Config) -> None:
        mine = [d for d in config.detectors if d.card.entity == "group"]
        self.host = Host(mine, "group", _ONE_ROW)
        self.explained = 0  # groups of the last picture that something innocent explains
        self._untold: Counter[tuple[str, str]] = Counter()
        self._most = config.budgets.member_cap * 8

    def findings(self, book: GroupBook, picture: Picture, tick: int) -> list[KeyFinding]:
        """What the groups of a picture are found to be, by kind and key."""
        groups = picture.groups
        count = groups.kinds.size
        if not count or not self.host.runs:
            return []
        end = (picture.hour + 1) * HOUR_MS
        rows = np.zeros(count, np.int64)
        looks = {name: picture.looks[:, place] for place, name in enumerate(LOOKS)}
        facts = {"kind": groups.kinds.astype(np.float64)}
        closed = Closed(groups.keys, rows, rows, rows, looks, facts)
        odd: dict[int, list[Evidence]] = {}
        for _, closing in self.host.close(closed, Tick(tick, "hour", end - HOUR_MS, end)):
            for one in closing.findings:
                odd.setdefault(one.place, []).append(one.evidence)
        suspicious = len(odd)
        odd = {place: some for place, some in odd.items() if not explained(picture, place)}
        self.explained = suspicious - len(odd)
        for cell in self._cells(picture, odd):
            odd.setdefault(cell.place, []).append(_of_cell(groups, cell, end))
        each = (self._finding(book, picture, place, tuple(odd[place])) for place in sorted(odd))
        found = sorted((f for f in each if f is not None), key=lambda f: (f.kind, f.key))
        self._untold.update((e.detector, e.family) for f in found for e in f.evidence)
        return found

    def told(self) -> Counter[tuple[str, str]]:
        """How much evidence was found since this was asked last, by detector and family; for metrics."""
        told, self._untold = self._untold, Counter()
        return told

    def _cells(self, picture: Picture, odd: dict[int, list[Evidence]]) -> list[Cell]:
        """Cards and devices that divide what was found, by the strongest evidence of each group."""
        odds = np.full(picture.groups.kinds.size, np.nan)
        for place, evidence in odd.items():
            odds[place] = max(e.surprise for e in evidence) - GROUPS_PER_OPERATOR
        active = int(np.count_nonzero(_requests(picture) >= ACTIVE))
        return cells(picture.groups, odds, CERTAIN, active)

    def _finding(
        self, book: GroupBook, picture: Picture, place: int, evidence: tuple[Evidence, ...]
    ) -> KeyFinding | None:
        groups = picture.groups
        kind, key = int(groups.kinds[place]), int(groups.keys[place])
        mine = slice(int(groups.starts[place]), int(groups.starts[place + 1]))
        rows = groups.rows[mine]
        parts = groups.counts[mine] / np.maximum(_requests(picture)[rows], 1e-6)
        named = np.flatnonzero((parts >= LEAST_SHARE) | np.isin(kind, HARD_KINDS))
        if named.size < 2:
            return None
        members = picture.members[rows]
        order = named[np.lexsort((members["fp"][named], groups.joined[mine][named]))][: self._most]
        orgs, counts = np.unique(members["org"][order], return_counts=True)
        dominant, inside = _most(orgs, counts)
        totals = (members[order] if kind == TEMPLATE else members)[["requests", "output"]]
        left = picture.left[rows[order] if kind == TEMPLATE else rows]
        return KeyFinding(
            kind=kind,
            key=key,
            value_fp=book.spellings.name(kind, key),
            evidence=evidence,
            members=tuple(members["fp"][order].tolist()),
            accounts=int(rows.size),
            weight=rarity_weight(int(rows.size), max(len(book.members), 1), kind),
            dominant_org=dominant,
            in_dominant_org=inside,
            first_seen=int(groups.joined[mine].min()) * HOUR_MS,
            last_seen=(picture.hour + 1) * HOUR_MS,
            requests=round(float((totals["requests"] * left).sum())),
            output_tokens=round(float((totals["output"] * left).sum())),
            capabilities=tuple(
                round(float(c)) for c in members["capability"][order].sum(axis=0, dtype=np.float64)
            ),
        )


def _of_cell(groups: Groups, cell: Cell, end: int) -> Evidence:
    kind = KINDS[int(groups.kinds[cell.place])]
    return Evidence(
        detector="coordination.v1",
        family=kind.family,
        parameter=f"accounts_alike_per_{kind.field}",
        observed=float(cell.guilty),
        expected=cell.expected,
        unit="accounts in groups that act as one",
        surprise=min(cell.surprise, 100.0),
        window_start=end - 4 * DAY_MS,
        window_end=end,
    )


def _requests(picture: Picture) -> NDArray[np.float64]:
    return (picture.members["requests"] * picture.left).astype(np.float64)


def _most(orgs: NDArray[np.uint64], counts: NDArray[np.int64]) -> tuple[int, int]:
    """The organisation that most are of, and how many; (0, 0) where none is known."""
    known = orgs != 0
    if not known.any():
        return 0, 0
    best = int(np.argmax(np.where(known, counts, 0)))
    return int(orgs[best]), int(counts[best])
