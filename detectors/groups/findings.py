"""Groups that a detector calls odd, as findings about shared values: who holds them, and what they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from detectors.coordination import GROUPS_PER_OPERATOR, Coordination
from detectors.exchange.activity import ActivityBatch, Spellings
from detectors.exchange.findings import KeyFinding
from detectors.groups.book import ACTIVE, GroupBook, Picture
from detectors.groups.explanations import explained, one_organisation, unexplained
from detectors.groups.forming import Groups
from detectors.groups.neighbours import Cell, cells
from detectors.groups.reports import Reports
from detectors.interface.clock import HOUR_MS, HOUR_TICKS
from detectors.interface.detector import Described, Evidence, Seen
from detectors.interface.key_kinds import CROWD_ROOM, HARD_KINDS, PAYMENT
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

    def __init__(
        self,
        detectors: Iterable[Described],
        member_cap: int,
        trial: frozenset[str] = frozenset(),
    ) -> None:
        mine = [d for d in detectors if d.card.entity == "group"]
        self.host = Host(mine, "group", _ONE_ROW)
        # What groups explain is no evidence of others' either, unless who judges groups is on trial.
        self._heard = any(d.card.name not in trial for d in mine)
        self.explained = 0  # groups of the last picture that something innocent explains
        self._untold: Counter[tuple[str, str]] = Counter()
        self.reports = Reports()
        self._most = member_cap * CROWD_ROOM

    def hear(
        self,
        book: GroupBook,
        spelt: Iterable[Spellings],
        activity: Iterable[ActivityBatch],
        tick: int,
        *,
        whole: bool = True,
    ) -> list[KeyFinding]:
        """Take the hour that a tick ends, of all sources in order, and look at the groups then.

        Nobody is judged in an hour of which a part may be missing (not `whole`).
        """
        for names in spelt:
            book.spell(names)
        book.take(activity, tick // HOUR_TICKS)
        picture = book.picture()
        found = self.findings(book, picture, tick) if whole else []
        book.spellings.keep(picture.groups)
        return found

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
        odd = {place: some for place, some in odd.items() if not self._excused(picture, place)}
        self.explained = suspicious - len(odd)
        for cell in self._cells(picture, odd):
            odd.setdefault(cell.place, []).append(_of_cell(groups, cell, end))
        found = []
        for place in sorted(odd):
            members = self._named(picture, place)
            nats = int(max(e.surprise for e in odd[place]))
            value = int(groups.kinds[place]), int(groups.keys[place])
            if members.size >= 2 and self.reports.is_new(
                value, picture.members["fp"][members], nats, picture.hour
            ):
                found.append(self._finding(book, picture, place, members, tuple(odd[place])))
        self.reports.forget(picture.hour)
        found.sort(key=lambda f: (f.kind, f.key))
        self._untold.update((e.detector, e.family) for f in found for e in f.evidence)
        return found

    def unexplained(self, book: GroupBook, found: list[KeyFinding]) -> list[KeyFinding]:
        """Those of key networks' findings that nothing innocent explains."""
        return unexplained(book, found) if self._heard else found

    def told(self) -> Counter[tuple[str, str]]:
        """How much evidence was found since this was asked last, by detector and family; for metrics."""
        told, self._untold = self._untold, Counter()
        return told

    def _excused(self, picture: Picture, place: int) -> bool:
        """Whether something innocent explains a group: never of a card, but by an organisation's past."""
        groups = picture.groups
        rows = groups.rows[groups.of_group(place)].astype(np.int64)
        if groups.kinds[place] == PAYMENT:
            return one_organisation(picture, rows)
        return bool(explained(picture, rows))

    def _cells(self, picture: Picture, odd: dict[int, list[Evidence]]) -> list[Cell]:
        """Cards and devices that divide what was found, by the strongest evidence of each group."""
        odds = np.full(picture.groups.kinds.size, np.nan)
        for place, evidence in odd.items():
            odds[place] = max(e.surprise for e in evidence) - GROUPS_PER_OPERATOR
        active = int(np.count_nonzero(picture.requests >= ACTIVE))
        return cells(picture.groups, odds, CERTAIN, active, picture.features)

    def _named(self, picture: Picture, place: int) -> NDArray[np.int64]:
        """The members' rows that a group's finding names, who came first before the others: int64."""
        groups = picture.groups
        mine = groups.of_group(place)
        rows = groups.rows[mine].astype(np.int64)
        parts = groups.counts[mine] / np.maximum(picture.requests[rows], 1e-6)
        named = np.flatnonzero((parts >= LEAST_SHARE) | np.isin(groups.kinds[place], HARD_KINDS))
        order = np.lexsort((picture.members["fp"][rows[named]], groups.joined[mine][named]))
        return rows[named[order][: self._most]]

    def _finding(
        self,
        book: GroupBook,
        picture: Picture,
        place: int,
        rows: NDArray[np.int64],
        evidence: tuple[Evidence, ...],
    ) -> KeyFinding:
        groups = picture.groups
        kind, key = int(groups.kinds[place]), int(groups.keys[place])
        holders = int(groups.sizes[place])
        members, left = picture.members[rows], picture.left[rows]
        orgs, counts = np.unique(members["org"], return_counts=True)
        dominant, inside = _most(orgs, counts)
        return KeyFinding(
            kind=kind,
            key=key,
            value_fp=book.spellings.name(kind, key),
            evidence=evidence,
            members=tuple(members["fp"].tolist()),
            accounts=holders,
            weight=rarity_weight(holders, max(len(book.members), 1), kind),
            dominant_org=dominant,
            in_dominant_org=inside,
            first_seen=int(groups.joined[groups.of_group(place)].min()) * HOUR_MS,
            last_seen=(picture.hour + 1) * HOUR_MS,
            requests=round(float((members["requests"] * left).sum())),
            output_tokens=round(float((members["output"] * left).sum())),
            capabilities=tuple(
                round(float(c)) for c in members["capability"].sum(axis=0, dtype=np.float64)
            ),
        )


def _of_cell(groups: Groups, cell: Cell, end: int) -> Evidence:
    kind = int(groups.kinds[cell.place])
    nats = min(cell.surprise, 100.0)
    return Coordination().of_cell(Seen(float(cell.guilty), cell.expected, nats, end, kind))


def _most(orgs: NDArray[np.uint64], counts: NDArray[np.int64]) -> tuple[int, int]:
    """The organisation that most are of, and how many; (0, 0) where none is known."""
    known = orgs != 0
    if not known.any():
        return 0, 0
    best = int(np.argmax(np.where(known, counts, 0)))
    return int(orgs[best]), int(counts[best])
