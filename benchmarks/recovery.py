"""How long a worker takes to have its state back, what keeping it costs, and what the topic holds.

    python benchmarks/recovery.py [--accounts N ...] [--events N] [--broker kafka|embedded]

For each number of accounts: a worker reads sparse traffic (25 requests a day each, at most six days of
it) and keeps its state meanwhile; the state is kept once more by an orderly stop, and a successor is
started on the same broker; timed is from its start until it has its partitions' state back and is ready
(the process's own start and the group's join included).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.throughput import PARTITIONS, START_MS, scrape
from streams.records.produce import produce
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from worlds import load

PORT = 19467
URL = f"http://127.0.0.1:{PORT}/metrics"
HYDRAWATCH = Path(sys.executable).parent / "hydrawatch"
PATIENCE_S = 900.0


def main() -> int:
    """Measure each size and print a line of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accounts", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--events", type=int, default=25_000_000, help="at most, for each size")
    parser.add_argument("--broker", choices=("kafka", "embedded"), default="kafka")
    parser.add_argument("--json", help="also write the figures to this file")
    given = parser.parse_args()
    figures = [measure(given, count) for count in given.accounts]
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1))
    return 0


def measure(given: argparse.Namespace, accounts: int) -> dict[str, float]:
    """One size, on a broker of its own."""
    from benchmarks.chaos import broker

    # Records must be recent: a broker deletes by their time.
    events = min(given.events, accounts * 25 * 6)
    span_ms = int(events / (accounts * 25 / 86_400) * 1000)
    start_ms = max(START_MS, time.time_ns() // 1_000_000 - span_ms - 3_600_000)
    with broker(given.broker) as (address, _), tempfile.TemporaryDirectory() as folder:
        settings = Settings(broker=address, partitions=PARTITIONS)
        create_topics(settings, PARTITIONS, replication=1)
        asyncio.run(produce(settings, load.sparse(events, accounts=accounts, start_ms=start_ms)))
        first = start(address, folder)
        seen = wait(first, lambda m: total(m, "hydrawatch_events_total") >= events)
        sent = total(seen, "hydrawatch_snapshot_bytes_total")
        cpu = seen.get("process_cpu_seconds_total", 0.0)
        spent = total(seen, "hydrawatch_snapshot_cpu_seconds_total")
        time.sleep(3)
        first.send_signal(signal.SIGTERM)
        first.wait(120)
        began = time.monotonic()
        second = start(address, folder)
        wait(second, bool)
        loaded = time.monotonic() - began
        everything = 2 * PARTITIONS + 1
        wait(second, lambda m: total(m, "hydrawatch_partitions_assigned") == everything)
        joined = time.monotonic() - began
        seen = wait(second, lambda m: m.get("hydrawatch_ready", 0.0) == 1.0)
        seconds = time.monotonic() - began
        resident = seen.get("process_resident_memory_bytes", 0.0)
        log = size(settings)
        second.send_signal(signal.SIGTERM)
        second.wait(120)
    row = {
        "accounts": accounts,
        "events": events,
        "events_per_account": events / accounts,
        "loaded_s": loaded,  # since the process was started, as the next two
        "joined_s": joined,
        "recovery_s": seconds,
        "read_back_s": total(seen, "hydrawatch_recovery_seconds_total"),
        "topic_mib": log / 2**20,
        "sent_mib": sent / 2**20,
        "keeping_share_of_cpu": spent / cpu if cpu else 0.0,
        "resident_mib": resident / 2**20,
    }
    print("  ".join(f"{k} {v:,.2f}" for k, v in row.items()), flush=True)
    return row


def start(address: str, folder: str) -> subprocess.Popen[bytes]:
    """A worker on this broker."""
    environment = {
        **os.environ,
        "HYDRAWATCH_BROKER": address,
        "HYDRAWATCH_PARTITIONS": str(PARTITIONS),
        "HYDRAWATCH_METRICS_PORT": str(PORT),
        "HYDRAWATCH_DATA_DIR": folder,
        "HYDRAWATCH_LOG_LEVEL": os.environ.get("HYDRAWATCH_LOG_LEVEL", "error"),
    }
    return subprocess.Popen([str(HYDRAWATCH), "worker"], env=environment)


def wait(
    worker: subprocess.Popen[bytes], holds: Callable[[dict[str, float]], object]
) -> dict[str, float]:
    """The worker's figures, once they are as wanted."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        seen = scrape(URL)
        if seen and holds(seen):
            return seen
        if worker.poll() is not None:
            raise SystemExit(f"the worker ended with exit code {worker.returncode}")
        time.sleep(0.1)
    raise SystemExit("the worker did not come so far in a quarter of an hour")


def total(seen: dict[str, float], name: str) -> float:
    """The sum over a metric's labels."""
    return sum(v for k, v in seen.items() if k.partition("{")[0] == name)


def size(settings: Settings) -> int:
    """Bytes of records that the state topic holds, by what a reader gets."""
    from streams.kafka.reader import reader

    async def read() -> int:
        held = 0
        async with reader(settings, settings.state_topic, None) as consumer:
            ends = await consumer.end_offsets(list(consumer.assignment()))
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                fetched = await consumer.getmany(timeout_ms=500)
                held += sum(len(r.value) for records in fetched.values() for r in records)
        return held

    return asyncio.run(read())


if __name__ == "__main__":
    sys.exit(main())
