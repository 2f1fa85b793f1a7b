"""A host's hours: what it is given in one, what it says of it, and what it keeps."""

from __future__ import annotations

import numpy as np

from detectors.interface.detector import Described, Evidence
from detectors.judging.closing import Tick
from detectors.judging.features import Closed
from detectors.judging.host import Host
from tests.small_detectors import Busy, BusyColumns

HOUR = 3_600_000


ROWS = 20


BOTH: list[Described] = [Busy(), BusyColumns()]


def at(hour: int) -> Tick:
    return Tick(hour * 60 + 59, "hour", hour * HOUR, (hour + 1) * HOUR)


def closed(requests: dict[int, float]) -> Closed:
    """One window of each entity (1 on); its row is one less."""
    entities = np.array(list(requests), np.uint64)
    counts = np.array(list(requests.values()))
    rows = entities.astype(np.int64) - 1
    return Closed(entities, rows, np.zeros(0), rows, {"requests": counts, "trailing": counts}, {})


def said(host: Host, hour: int, requests: dict[int, float]) -> list[list[tuple[int, Evidence]]]:
    """By detector, the entities and evidence found in an hour."""
    windows = closed(requests)
    return [
        [(int(windows.entities[f.place]), f.evidence) for f in closing.findings]
        for _, closing in host.close(windows, at(hour))
    ]


def kept(host: Host) -> dict[str, np.ndarray]:
    return {
        name: np.frombuffer(table.tobytes(), np.uint8).copy()
        for name, table in host.tables(ROWS).items()
    }
