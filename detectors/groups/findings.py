"""Groups that a detector calls odd, as findings about shared values: who holds them, and what they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.config import Config
from detectors.exchange.findings import KeyFinding
from detectors.groups.book import GroupBook, Picture
from detectors.groups.explanations import explained
from detectors.interface.clock import HOUR_MS
from detectors.interface.detector import Evidence
from detectors.interface.key_kinds import HARD_KINDS, TEMPLATE
from detectors.interface.looks import LOOKS
from detectors.judging.closing import Tick
from detectors.judging.features import Closed
from detectors.judging.host import Host
from detectors.judging.rarity import rarity_weight

# Of a member's requests: who uses a value less only meets those who do, as everybody meets public ones.
LEAST_SHARE = 0.25
_ONE_ROW = 1  # detectors of groups keep nothing: a group is what it is now


class GroupWatch:
    """The detectors of groups, and what they find in a picture."""

    def __init__(self, config: Config) -> None:
        mine = [d for d in config.detectors if d.card.entity == "group"]
        self.host = Host(mine, "group", _ONE_ROW)
        self.explained: dict[str, int] = {}  # how often each explanation held
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
        found = []
        for place in sorted(odd):
            why = explained(picture, place)
            if why:
                self.explained[why] = self.explained.get(why, 0) + 1
                continue
            one = self._finding(book, picture, place, tuple(odd[place]))
            if one is not None:
                found.append(one)
        return sorted(found, key=lambda f: (f.kind, f.key))

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


def _requests(picture: Picture) -> NDArray[np.float64]:
    return (picture.members["requests"] * picture.left).astype(np.float64)


def _most(orgs: NDArray[np.uint64], counts: NDArray[np.int64]) -> tuple[int, int]:
    """The organisation that most are of, and how many; (0, 0) where none is known."""
    known = orgs != 0
    if not known.any():
        return 0, 0
    best = int(np.argmax(np.where(known, counts, 0)))
    return int(orgs[best]), int(counts[best])
