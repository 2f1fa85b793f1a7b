"""What each stage costs per event, in one process without a broker: microseconds of one core.

    python benchmarks/stages.py [--events N] [--load dense sparse world] [--without drift ...]

The same objects as the worker's, called one after another on the same chunks: decode; accounts
(dedupe, windows, closing ticks); hand-over and report codecs, both ways; keys; owner. What is left
of a worker's cost per event (benchmarks/throughput.py) is Kafka, Faust and acknowledgements.

Of these, what each detector takes is shown apart. `world` is three weeks of a simulated world with a
hydra in it, for detectors that look at days; `--without` leaves detectors out, to see what they cost.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from detectors.accounts.outbox import Scratch
from detectors.accounts.partition import AccountPartition
from detectors.config import Loaded, load_config
from detectors.contract.alert import Trace
from detectors.decode.decoder import Decoder
from detectors.exchange import hand_over as handover
from detectors.exchange import report as reports
from detectors.exchange.hand_over import watermark_only
from detectors.exchange.report import Report
from detectors.kernels.partitioner import partitions_at
from detectors.networks.partition import NetworkPartition
from detectors.owner.owner import CampaignOwner
from worlds import load
from worlds.emit import Records
from worlds.world import build

START_MS = 1_776_947_400_000
CHUNK = 2000  # records, as the worker takes them


def main() -> int:
    """Measure the loads asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--load", nargs="+", choices=list(LOADS), default=["dense", "sparse"])
    parser.add_argument("--without", nargs="+", default=[], metavar="DETECTOR", help="by name")
    parser.add_argument("--json", help="also write the figures to this file")
    given = parser.parse_args()
    plain = load_config()
    kept = tuple(d for d in plain.config.detectors if d.card.name not in given.without)
    loaded = replace(plain, config=replace(plain.config, detectors=kept))
    measure(load.dense(20_000, accounts=500, start_ms=START_MS), loaded)  # compiles every kernel
    figures = {name: measure(LOADS[name](given.events), loaded) for name in given.load}
    stages = list(next(iter(figures.values())))
    print(f"{'us per event':<28}" + "".join(f"{name:>10}" for name in figures))
    for stage in stages:
        print(f"{stage:<28}" + "".join(f"{one[stage]:>10.3f}" for one in figures.values()))
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1))
    return 0


def measure(records: Iterable[Records], loaded: Loaded) -> dict[str, float]:
    """Seconds per stage over a load, as microseconds per event; then those of each detector."""
    config = loaded.config
    partitions = config.engine.partitions
    scratch = Scratch(partitions)
    decoder = Decoder(bytes(16))
    accounts = [AccountPartition(config, p, scratch) for p in range(partitions)]
    networks = [NetworkPartition(config, p) for p in range(partitions)]
    owner = CampaignOwner(config, 2 * partitions, Trace("bench", loaded.digest))
    hosts = (
        [part.host for part in accounts] + [part.host for part in networks] + list(owner.hosts())
    )
    spent: Counter[str] = Counter()
    clock = time.perf_counter
    for host in hosts:
        host.clock = clock
    events = 0

    def lap(stage: str, since: float) -> float:
        now = clock()
        spent[stage] += now - since
        return now

    waiting: list[list[tuple[bytes, int]]] = [[] for _ in range(partitions)]
    for batch in records:
        # Route first, as Kafka has: a worker's chunk is of one partition.
        lengths = np.array([len(k) for k in batch.keys])
        buffer = np.frombuffer(b"".join(batch.keys), np.uint8)
        targets = partitions_at(buffer, np.cumsum(lengths) - lengths, lengths, partitions)
        stamps = np.asarray(batch.timestamps)
        for partition in range(partitions):
            rows = np.flatnonzero(targets == partition)
            waiting[partition] = [(batch.values[i], int(stamps[i])) for i in rows.tolist()]
        while any(waiting):
            for partition in range(partitions):
                chunk, waiting[partition] = waiting[partition][:CHUNK], waiting[partition][CHUNK:]
                if not chunk:
                    continue
                values = [value for value, _ in chunk]
                times = np.array([time_ for _, time_ in chunk], np.int64)
                events += len(values)
                at = clock()
                decoded = decoder.decode(values, times)
                at = lap("decode", at)
                closed = accounts[partition].ingest(decoded)
                at = lap("accounts", at)
                handed = [
                    (target, handover.decode(record))
                    for tick in closed
                    for target, hand_over in tick.hand_overs.items()
                    for record in handover.encode(hand_over)
                ]
                told = [
                    reports.decode(record)
                    for tick in closed
                    for record in reports.encode(
                        Report(partition, tick.tick, tick.findings, tick.names)
                    )
                ]
                at = lap("hand-over codecs", at)
                for target, hand_over in handed:
                    networks[target].receive(hand_over)
                for network in networks:
                    network.receive(watermark_only(partition, accounts[partition].closed))
                    for findings in network.advance():
                        owner.receive(partitions + network.source, findings)
                    owner.watermark(partitions + network.source, network.closed)
                at = lap("keys", at)
                for report in told:
                    if report.names is not None:
                        owner.receive_names(partition, report.names)
                    if report.findings is not None:
                        owner.receive(partition, report.findings)
                owner.watermark(partition, accounts[partition].closed)
                owner.advance()
                lap("owner", at)
    found = {stage: spent[stage] / events * 1e6 for stage in spent}
    detectors: Counter[str] = Counter()
    for run in (run for host in hosts for run in host.runs):
        detectors[f"of it {run.card.name}"] += run.seconds / events * 1e6
    return {**found, "all stages": sum(found.values()), **dict(sorted(detectors.items()))}


def _world(events: int) -> Iterator[Records]:
    """Three weeks of about so many events."""
    made = build(
        seed=5, days=21, accounts=events // 400, end_ms=START_MS, hydra_accounts=events // 10_000
    )
    return made.chunks()


LOADS: dict[str, Callable[[int], Iterable[Records]]] = {
    "dense": lambda events: load.dense(events, accounts=20_000, start_ms=START_MS),
    "sparse": lambda events: load.sparse(events, accounts=1_000_000, start_ms=START_MS),
    "world": _world,
}


if __name__ == "__main__":
    sys.exit(main())
