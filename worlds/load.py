"""Loads for measuring throughput and bounds: events without a story, at any rate, of many accounts.

Every value of an account is a hash of its number, so a million accounts need no table. `dense` and
`sparse` differ in how many events an account has per window; `spray` is an adversary whose every
event carries values never seen before; `malformed` is what a producer gets wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from worlds.clock import DAY_MS, HOUR_MS, MINUTE_MS
from worlds.emit import Records, hex_members, pick, table_of
from worlds.malformed import malformed
from worlds.randomness import Ints, Words, mix64, stream
from worlds.vocabulary import CAPABILITIES, CLIENTS, IP_CLASSES

__all__ = ["dense", "malformed", "sparse", "spray"]

BATCH = 50_000
START_MS = 1_777_000_000_000

_EVENT = (
    b'%b%d,"account_id":"%b"%b%b%b%b%b%b%b%b%b%b,"model":"large-5","input_tokens":%d'
    b',"output_tokens":%d,"status":200,"cost_usd":%.6f,"latency_ms":%d,"lang":"en","ingest_time":%d}'
)


def dense(
    events: int,
    accounts: int = 20_000,
    start_ms: int = START_MS,
    per_account_per_minute: float = 2.0,
    seed: int = 0,
) -> Iterator[Records]:
    """Give `events` events of accounts that each send several a minute: windows are full."""
    yield from _steady(
        events, accounts, start_ms, accounts * per_account_per_minute / MINUTE_MS, seed
    )


def sparse(
    events: int,
    accounts: int = 1_000_000,
    per_day: float = 25,
    start_ms: int = START_MS,
    seed: int = 0,
) -> Iterator[Records]:
    """Give `events` events of accounts that each send a few a day: windows hold one or none."""
    yield from _steady(events, accounts, start_ms, accounts * per_day / DAY_MS, seed)


def spray(
    events: int, start_ms: int = START_MS, per_second: float = 5_000, seed: int = 0
) -> Iterator[Records]:
    """Give `events` events, each of a fresh account, payment, device, prefix and template."""
    rng = stream(seed, "spray")
    base = np.uint64(rng.integers(1, 2**62))
    for first, count in _batches(events):
        row = np.arange(first, first + count, dtype=np.uint64)
        time = start_ms + (row / (per_second / 1_000)).astype(np.int64)
        yield _records(
            rng, _event_ids(seed, row), mix64(base + row), base, time, prefix_shared_by=1
        )


def _steady(
    events: int, accounts: int, start_ms: int, per_ms: float, seed: int
) -> Iterator[Records]:
    rng = stream(seed, "load")
    base = np.uint64(rng.integers(1, 2**62))
    for first, count in _batches(events):
        row = np.arange(first, first + count, dtype=np.uint64)
        time = start_ms + (row / per_ms).astype(np.int64)
        account = rng.integers(1, accounts + 1, count, dtype=np.uint64)
        yield _records(rng, _event_ids(seed, row), account, base, time, prefix_shared_by=3)


def _batches(events: int) -> Iterator[tuple[int, int]]:
    for first in range(0, events, BATCH):
        yield first, min(BATCH, events - first)


def _event_ids(seed: int, row: Words) -> Words:
    return mix64(row + (np.uint64(seed) << np.uint64(40)))


def _records(
    rng: np.random.Generator,
    event: Words,
    account: Words,
    base: np.uint64,
    ingest: Ints,
    *,
    prefix_shared_by: int,
) -> Records:
    """Write one event per account number given; records are ordered by `ingest`."""
    count = len(account)
    own = mix64(
        account + base
    )  # an account's values are hashes of its number under different names
    prefix = mix64(account // np.uint64(prefix_shared_by) + base + np.uint64(1))
    time = ingest - rng.integers(20, 400, count)
    hour = (time // HOUR_MS).astype(np.uint64)
    tokens_in = rng.lognormal(6.5, 0.8, count).astype(np.int64)
    tokens_out = rng.lognormal(6.0, 0.8, count).astype(np.int64)
    bit = np.uint64(1) << rng.integers(0, 64, count, dtype=np.uint64)
    variant = rng.integers(0, 4, count, dtype=np.uint64)
    keys = hex_members(b"a-", own | np.uint64(1 << 63), b"", 16)
    columns = zip(
        hex_members(b'{"event_id":"e-', event, b'","event_time":', 16),
        time.tolist(),
        keys,
        hex_members(b',"session_id":"s-', mix64(own + hour), b'"', 12),
        hex_members(b',"payment_fp":"k1:', mix64(own + np.uint64(1)), b'"', 12),
        hex_members(b',"device_fp":"k1:', mix64(own + np.uint64(2)), b'"', 12),
        hex_members(b',"ip_prefix_fp":"k1:', prefix, b'"', 12),
        pick(_ASNS, (prefix % np.uint64(len(_ASNS))).astype(np.int64)),
        pick(_CLIENTS, (own % np.uint64(len(_CLIENTS))).astype(np.int64)),
        hex_members(b',"system_fp":"k1:', mix64(own % np.uint64(997)), b'"', 12),
        hex_members(b',"prompt_fp":"k1:', rng.integers(1, 2**48, count, dtype=np.uint64), b'"', 12),
        hex_members(b',"template_fp":"', mix64(own + np.uint64(8) + variant) ^ bit, b'"', 16),
        pick(_CAPABILITIES, rng.integers(0, len(CAPABILITIES), count)),
        tokens_in.tolist(),
        tokens_out.tolist(),
        ((3 * tokens_in + 15 * tokens_out) / 1e6).tolist(),
        (200 + 12 * tokens_out).tolist(),
        ingest.tolist(),
        strict=True,
    )
    return Records(keys=keys, values=[_EVENT % row for row in columns], timestamps=ingest)


_ASNS = table_of(
    [
        b',"asn":%d,"ip_class":"%b"' % (4_200_000_000 + number, ip_class.encode())
        for number in range(16)
        for ip_class in IP_CLASSES
    ]
)
_CLIENTS = table_of(
    [
        b',"tls_fp":"%b","client_fp":"%b"' % (client.tls[:22].encode(), client.shape.encode())
        for client in CLIENTS
    ]
)
_CAPABILITIES = table_of([b',"capability":"%b"' % name.encode() for name in CAPABILITIES])
