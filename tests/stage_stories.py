"""Requests and small configurations for the tests of the account and network stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from detectors.accounts.partition import AccountPartition
from detectors.accounts.tick_closer import ClosedTick
from detectors.config import Config, load_config
from detectors.decode.decoder import Decoded, Decoder
from detectors.exchange import hand_over as handover
from detectors.exchange import report as reports
from detectors.exchange.hand_over import HandOver, watermark_only
from detectors.judging.column_run import ColumnRun

KEY = b"0123456789abcdef"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_777_000_000_000 // DAY * DAY  # a UTC midnight


def config(**values: int) -> Config:
    """Small tables, one partition; `values` by name, in whichever section has them."""
    sections = {
        "engine": {"partitions": 1, "allowed_lateness_minutes": 10},
        "budgets": {
            "accounts": 2_000,
            "minute_rows": 20_000,
            "dedupe_entries": 1 << 14,
            "sightings": 1 << 15,
            "single_keys": 1 << 14,
            "shared_keys": 1_000,
            "templates": 1 << 12,
        },
    }
    for name, value in values.items():
        section = "engine" if name in {"partitions", "allowed_lateness_minutes"} else "budgets"
        sections[section][name] = value
    lines = [
        line
        for section, entries in sections.items()
        for line in (f"[{section}]", *(f"{k} = {v}" for k, v in entries.items()))
    ]
    return load_config("\n".join(lines)).config


def request(number: int, time: int, account: str = "a", **more: Any) -> dict[str, Any]:
    """One request as a producer writes it."""
    return {
        "event_id": f"e-{number}",
        "event_time": time,
        "account_id": account,
        "model": "large-5",
        "input_tokens": 10,
        "output_tokens": 20,
        **more,
    }


def decoded(requests: Sequence[dict[str, Any]]) -> Decoded:
    """Decode requests; none of them may be refused."""
    found = Decoder(KEY).decode([orjson.dumps(r) for r in requests])
    assert not found.rejected
    return found


def feed(
    partition: AccountPartition, requests: Sequence[dict[str, Any]], batch: int = 0
) -> list[ClosedTick]:
    """Ingest requests in batches (0: all at once)."""
    closed: list[ClosedTick] = []
    size = batch or max(len(requests), 1)
    for first in range(0, len(requests), size):
        closed += partition.ingest(decoded(requests[first : first + size]))
    return closed


def said(closed: Sequence[ClosedTick]) -> list[tuple[int, list[bytes]]]:
    """Everything that closed ticks say, as it would travel."""
    out = []
    for tick in closed:
        records = [r for t in sorted(tick.hand_overs) for r in handover.encode(tick.hand_overs[t])]
        report = reports.Report(
            0, tick.tick, tick.findings, tick.names, tick.activity, tick.spellings
        )
        out.append((tick.tick, records + list(reports.encode(report))))
    return out


def row_of(partition: AccountPartition, account: str) -> np.void:
    """An account's row."""
    return partition.state.accounts[place_of(partition, account)]


def past_of(partition: AccountPartition, account: str) -> np.void:
    """What the volume detector remembers of an account."""
    return baselines(partition)[place_of(partition, account)]


def baselines(partition: AccountPartition) -> np.ndarray:
    """What the volume detector remembers of all accounts, by their rows."""
    (run,) = (r for r in partition.host.runs if r.card.name == "volume.own_past")
    assert isinstance(run, ColumnRun)
    return run.memory.table


def place_of(partition: AccountPartition, account: str) -> int:
    """The number of an account's row."""
    (event,) = decoded([request(0, START, account)]).events
    accounts = partition.state.accounts
    (row,) = np.flatnonzero((accounts["fp"] == event["account"]) & (accounts["used"] != 0))
    return int(row)


def shared_values(sources: int) -> list[list[HandOver]]:
    """Two days of hand-overs per source, of accounts that share cards, devices and prefixes."""
    told: list[list[HandOver]] = []
    for source in range(sources):
        partition = AccountPartition(config(partitions=1), source)
        events = [
            request(
                n,
                START + n * 7 * MINUTE + source * 13_000,
                f"a-{source}-{n % 40}",
                payment_fp=f"k1:{n % 9}",
                ip_prefix_fp=f"k1:{n % 5}",
                account_created_at=START - (n % 40 < 8) * 400 * DAY,
                template_fp=f"{(n % 6) << 8 | 1 << n % 3:016x}",
            )
            for n in range(400)
        ]
        closed = feed(partition, events) + partition.drain()
        own = [h for t in closed for h in t.hand_overs.values()]
        told.append([*own, watermark_only(source, partition.closed)])
    return told
