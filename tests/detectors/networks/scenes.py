"""What is handed over to a network partition of tests, and what it then holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.exchange.hand_over import HandOver, watermark_only
from detectors.exchange.rows import EDGE, LOAD, SUM, TEMPLATE_ROW
from detectors.interface.key_kinds import PAYMENT
from detectors.networks.members import find_shared
from detectors.networks.partition import NetworkPartition
from tests.stage_stories import MINUTE, START, config

T0 = START // MINUTE


FIELDS = {
    "edges": EDGE,
    "sums": SUM,
    "loads": LOAD,
    "templates": TEMPLATE_ROW,
}


def table_of(dtype: np.dtype, rows: list[dict[str, Any]]) -> np.ndarray:
    table = np.zeros(len(rows), dtype)
    for at, row in enumerate(rows):
        for name, value in row.items():
            table[name][at] = value
    return table


def sent(source: int, tick: int, part: int = 0, last: bool = True, **rows: list[Any]) -> HandOver:
    tables = {name: table_of(FIELDS[name], r) for name, r in rows.items()}
    return watermark_only(source, tick)._replace(part=part, last=last, **tables)


def edge(account: int, key: int = 77, kind: int = PAYMENT, **more: Any) -> dict[str, Any]:
    return {"key": key, "account": account, "kind": kind, "time": START, "young": 1, **more}


def partition_of(**values: int) -> NetworkPartition:
    return NetworkPartition(config(**values), 0)


def shared_of(keys: NetworkPartition, key: int = 77, kind: int = PAYMENT) -> np.void | None:
    row = find_shared(keys.state, np.uint64(key), kind)
    return keys.state.shared[row] if row >= 0 else None


def members_of(keys: NetworkPartition, key: int = 77, kind: int = PAYMENT) -> list[int]:
    shared = shared_of(keys, key, kind)
    assert shared is not None
    at, found = int(shared["member"]), []
    while at >= 0:
        found.append(int(keys.state.members[at]["account"]))
        at = int(keys.state.members[at]["next"])
    return found[::-1]


def close(keys: NetworkPartition, *hand_overs: HandOver, until: int | None = None) -> list[Any]:
    for hand_over in hand_overs:
        keys.receive(hand_over)
    if until is not None:
        keys.receive(watermark_only(0, until))
    return keys.advance()
