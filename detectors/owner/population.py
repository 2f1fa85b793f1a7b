"""What whole groups of accounts do: all on one model, of one cohort, of one organisation.

Partitions hand over each group's day in sums; here they become one window per group, which detectors of
such groups observe. What they find is no alert, for nobody acts as one by it: it is what speaks against
the same evidence about an account, and what operations are told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.campaigns.population_book import GroupEvidence
from detectors.exchange.findings import GroupSum
from detectors.interface.clock import DAY_MS, MINUTE_MS
from detectors.interface.columns import CAPABILITY_SLOTS, TEMPLATE_GROUPS
from detectors.interface.detector import GROUPS, Described
from detectors.judging.closing import Tick
from detectors.judging.features import Closed
from detectors.judging.host import Host

GROUP_DAY = np.dtype(
    [
        ("requests", "<i8"),
        ("input", "<i8"),
        ("output", "<i8"),
        ("accounts", "<i8"),
        ("capability", "<i8", (CAPABILITY_SLOTS,)),
        ("templates", "<i8", (TEMPLATE_GROUPS,)),
    ]
)


class Population:
    """The detectors of groups, and their memories."""

    def __init__(self, detectors: Iterable[Described]) -> None:
        mine = [d for d in detectors if d.card.entity in GROUPS]
        self.hosts = {e: Host(mine, e) for e in GROUPS if any(d.card.entity == e for d in mine)}

    def close(self, tick: int, sums: Iterable[GroupSum]) -> tuple[GroupEvidence, ...]:
        """Merge the sums of the day that ends with `tick`, of all partitions, and judge each group."""
        found: list[GroupEvidence] = []
        given = sorted(sums, key=lambda s: (s.entity, s.group))
        for entity, host in self.hosts.items():
            mine = [s for s in given if s.entity == entity]
            if mine:
                found += self._judge(host, tick, mine)
        return tuple(found)

    def tables(self) -> dict[str, NDArray[Any]]:
        """What is to be kept: tables of rows, by name."""
        return {name: t for host in self.hosts.values() for name, t in host.tables(0).items()}

    def restore(self, tables: dict[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept: bytes (uint8) by the table's name."""
        for host in self.hosts.values():
            host.restore(tables)

    def _judge(self, host: Host, tick: int, sums: list[GroupSum]) -> list[GroupEvidence]:
        groups = np.array(sorted({s.group for s in sums}), np.uint64)
        names = {s.group: s.name for s in sums}
        days = np.zeros(groups.size, GROUP_DAY)
        for one in sums:
            row = days[np.searchsorted(groups, np.uint64(one.group))]
            for field in ("requests", "input", "output", "accounts"):
                row[field] += getattr(one, field)
            row["capability"] += one.capability
            row["templates"] += one.templates
        places = np.arange(groups.size)
        share = days["requests"] / max(int(days["requests"].sum()), 1)
        closed = Closed(groups, places, days, places, {}, {})
        end = (tick + 1) * MINUTE_MS
        closings = host.close(closed, Tick(tick, "day", end - DAY_MS, end))
        return [
            GroupEvidence(
                entity=host.entity,
                group=int(groups[f.place]),
                name=names[int(groups[f.place])],
                share=float(share[f.place]),
                requests=int(days["requests"][f.place]),
                input=int(days["input"][f.place]),
                output=int(days["output"][f.place]),
                evidence=f.evidence,
            )
            for _, closing in closings
            for f in closing.findings
        ]
