"""Whether a worker that runs for long stays as it was: memory, lag, open files, kept state.

    python benchmarks/soak.py [--minutes 60] [--rate 50000] [--plot soak.png] [--json soak.json]

A worker on Apache Kafka reads a steady load at `--rate` events a second by the clock, of `--accounts`
accounts that each send two a minute of event time; so event time runs faster than the clock. Sampled
every ten seconds: its resident memory, CPU and open files, unread records, and what the state topic
holds on the broker's disk. Printed and drawn is how each moved, and what the last third is beside the
middle one: 1.00 is flat.
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
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.throughput import PARTITIONS, scrape
from streams.records.produce import produce
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from tests.kafka.cluster import KafkaCluster
from worlds import load
from worlds.emit import Records

PORT = 19468
URL = f"http://127.0.0.1:{PORT}/metrics"
HYDRAWATCH = Path(sys.executable).parent / "hydrawatch"
EVERY_S = 10.0
SLICES = 20  # of a second of load
PER_MINUTE = 2.0
# Requests are let go early: an hour of them would fill the disk. The state topic never comes so far.
KEEP = {
    "log.retention.bytes": str(1 << 30),
    "log.segment.bytes": str(128 << 20),
    "log.retention.check.interval.ms": "30000",
    "log.segment.delete.delay.ms": "1000",
}
SERIES = {
    "resident memory, MiB": "resident_mib",
    "unread records": "lag",
    "open files": "files",
    "state topic on disk, MiB": "state_mib",
    "CPU, share of a core": "cpu",
}


def main() -> int:
    """Run it, draw it, and print what moved."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=50_000, help="events a second")
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--plot", type=Path, help="PNG to draw")
    parser.add_argument("--json", type=Path, help="file for all samples")
    given = parser.parse_args()
    with KafkaCluster.start(extra=KEEP) as cluster, tempfile.TemporaryDirectory() as folder:
        settings = Settings(broker=cluster.bootstrap, partitions=PARTITIONS)
        create_topics(settings, PARTITIONS, replication=1)
        worker = start(settings, folder)
        while not scrape(URL) and worker.poll() is None:
            time.sleep(1)  # kernels may have to be compiled
        feeding = threading.Thread(target=feed, args=(settings, given), daemon=True)
        feeding.start()
        try:
            samples = list(sample(worker, cluster.folder, given.minutes * 60))
        finally:
            worker.send_signal(signal.SIGTERM)
            code = worker.wait(60)
    report(samples)
    if given.json:
        given.json.write_text(json.dumps(samples, indent=1))
    if given.plot:
        draw(samples, given.plot)
    return code


def start(settings: Settings, folder: str) -> subprocess.Popen[bytes]:
    """A worker on this broker, its log on stderr."""
    environment = {
        **os.environ,
        "HYDRAWATCH_BROKER": settings.broker,
        "HYDRAWATCH_PARTITIONS": str(PARTITIONS),
        "HYDRAWATCH_METRICS_PORT": str(PORT),
        "HYDRAWATCH_DATA_DIR": folder,
        "HYDRAWATCH_LOG_LEVEL": "warning",
    }
    return subprocess.Popen([str(HYDRAWATCH), "worker"], env=environment)


def feed(settings: Settings, given: argparse.Namespace) -> None:
    """Produce the load at its rate until this process ends."""
    count = int(given.rate * given.minutes * 60)
    per_s = given.accounts * PER_MINUTE / 60
    begin = time.time_ns() // 1_000_000 - int(count / per_s * 1000) - 60_000
    records = load.dense(
        count, accounts=given.accounts, start_ms=begin, per_account_per_minute=PER_MINUTE
    )
    asyncio.run(produce(settings, paced(records, given.rate)))


def paced(batches: Iterator[Records], rate: int) -> Iterator[Records]:
    """The same records, so many a second; a slice sleeps less than the producer would notice."""
    size = rate // SLICES
    begin, given = time.monotonic(), 0
    for batch in batches:
        for at in range(0, len(batch.keys), size):
            some = slice(at, at + size)
            time.sleep(max(0.0, begin + given / rate - time.monotonic()))
            part = Records(batch.keys[some], batch.values[some], batch.timestamps[some])
            given += len(part.keys)
            yield part


def sample(
    worker: subprocess.Popen[bytes], folder: Path, seconds: float
) -> Iterator[dict[str, float]]:
    """What the worker and its state are like, every ten seconds; progress goes to the terminal."""
    begin, last = time.monotonic(), (0.0, 0.0)
    while time.monotonic() < begin + seconds:
        time.sleep(EVERY_S)
        if worker.poll() is not None:
            raise SystemExit(f"the worker ended with exit code {worker.returncode}")
        seen = scrape(URL)
        if not seen:
            continue
        now, cpu = time.monotonic(), seen["process_cpu_seconds_total"]
        found = {
            "s": now - begin,
            "events": total(seen, "hydrawatch_events_total"),
            "resident_mib": seen["process_resident_memory_bytes"] / 2**20,
            "files": seen["process_open_fds"],
            "lag": total(seen, "hydrawatch_lag_records"),
            "state_mib": size_of(folder, "hydrawatch-state-") / 2**20,
            "alerts": total(seen, "hydrawatch_alerts_total"),
            "cpu": (cpu - last[1]) / (now - last[0]) if last[0] else 0.0,
        }
        last = now, cpu
        print("  ".join(f"{k} {v:,.1f}" for k, v in found.items()), file=sys.stderr, flush=True)
        yield found


def total(seen: dict[str, float], name: str) -> float:
    """The sum over a metric's labels."""
    return sum(v for k, v in seen.items() if k.partition("{")[0] == name)


def size_of(folder: Path, prefix: str) -> int:
    """Bytes of a topic's segments on the broker's disk; files may go while they are looked at."""
    held = 0
    for path in folder.glob(f"node-*/data/{prefix}*/*.log"):
        try:
            held += path.stat().st_size
        except FileNotFoundError:
            continue
    return held


def report(samples: list[dict[str, float]]) -> None:
    """Each series: its mean in the middle and the last third, and their ratio."""
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    spent = samples[-1]["s"] - samples[0]["s"]
    rate = (samples[-1]["events"] - samples[0]["events"]) / spent
    print(f"{spent / 60:.1f} minutes at {rate:,.0f} events/s")
    for title, name in SERIES.items():
        before, after = (sum(s[name] for s in part) / len(part) for part in (middle, last))
        highest = max(s[name] for s in samples)
        ratio = after / before if before else float("nan")
        print(
            f"  {title:<26} {before:>12,.2f} {after:>12,.2f}   x {ratio:.2f}, at most {highest:,.1f}"
        )


def draw(samples: list[dict[str, float]], path: Path) -> None:
    """All series over time, one below the other."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(SERIES), 1, figsize=(8, 9), sharex=True)
    minutes = [s["s"] / 60 for s in samples]
    for axis, (title, name) in zip(axes, SERIES.items(), strict=True):
        axis.plot(minutes, [s[name] for s in samples], color="#1f4e79", linewidth=1)
        axis.set_ylim(bottom=0)
        axis.set_title(title, loc="left", fontsize=9)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
