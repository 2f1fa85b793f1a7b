"""Events per second of the full path on one core, beside a plain Faust agent and a bare consumer.

    python benchmarks/throughput.py [--events N] [--load dense|sparse|both] [--json FILE]

The load is produced first; then a `hydrawatch worker` process, pinned to one core, reads it from the
embedded broker, pinned to another, and does all it does in production: decode, dedupe, windows,
hand-overs through the broker, key networks, fusion, alerts, commits. Its own /metrics say how far it
is. The rate is taken from 10 % to 100 % of the events, so that start-up does not count and no tick
that closes in between is left out. Peers read the same events from the same broker in the same run.
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
import urllib.request
from pathlib import Path

import numpy as np

from streams.kafka.embedded_broker import EmbeddedBroker
from streams.records.produce import produce
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from worlds import load

HERE = Path(__file__).resolve().parent
START_MS = 1_776_947_400_000  # half past an hour: the load crosses the end of hours
PARTITIONS = 4


def main() -> int:
    """Run the loads asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--load", choices=["dense", "sparse", "both"], default="both")
    parser.add_argument("--plain-events", type=int, default=40_000)
    parser.add_argument("--json", help="also write the figures to this file")
    given = parser.parse_args()
    figures: dict[str, object] = {"cores": os.cpu_count(), "events": given.events}
    for name in ("dense", "sparse") if given.load == "both" else (given.load,):
        figures[name] = run(name, given.events, given.plain_events)
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1))
    return 0


def run(name: str, events: int, plain_events: int) -> dict[str, object]:
    """One load: worker, then peers, on one broker."""
    records = (
        load.dense(events, accounts=20_000, start_ms=START_MS)
        if name == "dense"
        else load.sparse(events, accounts=1_000_000, start_ms=START_MS)
    )
    with EmbeddedBroker() as broker, tempfile.TemporaryDirectory() as folder:
        pin(broker.pid, 0)
        environment = {
            **os.environ,
            "HYDRAWATCH_BROKER": broker.address,
            "HYDRAWATCH_PARTITIONS": str(PARTITIONS),
            "HYDRAWATCH_METRICS_PORT": "19464",
            "HYDRAWATCH_DATA_DIR": folder,
            "HYDRAWATCH_LOG_LEVEL": "warning",
        }
        settings = Settings(broker=broker.address, partitions=PARTITIONS)
        create_topics(settings, PARTITIONS, replication=1)
        print(f"\n{name}: producing {events:,} events ...", flush=True)
        asyncio.run(produce(settings, records))
        worker = measure_worker(environment, events)
        print(
            f"  worker {worker['events'] / worker['seconds']:,.0f} events/s; peers ...", flush=True
        )
        broker_args = ["--broker", broker.address, "--topic", settings.requests_topic]
        bare = peer("consume", broker_args, min(events, 1_000_000))
        plain = peer("plain-faust", broker_args, plain_events)
    show(name, worker, bare, plain)
    return {"worker": worker, "consume": bare, "plain_faust": plain}


def measure_worker(environment: dict[str, str], events: int) -> dict[str, float]:
    """Run a worker on core 1 until it has read all events; its rate from 10 % on."""
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "hydrawatch"), "worker"], env=environment
    )
    try:
        pin(process.pid, 1)
        samples: list[tuple[float, float, float]] = []
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            time.sleep(0.25)
            if process.poll() is not None:
                raise SystemExit(f"the worker stopped with {process.returncode}")
            seen = scrape("http://127.0.0.1:19464/metrics")
            if not seen:
                continue
            done = sum(v for k, v in seen.items() if k.startswith("hydrawatch_events_total"))
            samples.append((time.monotonic(), done, seen.get("process_cpu_seconds_total", 0.0)))
            if done >= events:
                break
        else:
            raise SystemExit(f"the worker read {samples[-1][1]:,.0f} of {events:,} in ten minutes")
        resident = seen.get("process_resident_memory_bytes", 0.0)
        time.sleep(15)  # what was fetched ahead has gone; what is left is state
        settled = scrape("http://127.0.0.1:19464/metrics").get("process_resident_memory_bytes", 0.0)
        first = next(s for s in samples if s[1] >= events * 0.1)
        last = samples[-1]
        count = last[1] - first[1]
        return {
            "events": count,
            "seconds": last[0] - first[0],
            "cpu_seconds": last[2] - first[2],
            "resident_mib": resident / 2**20,
            "settled_mib": settled / 2**20,
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def scrape(url: str) -> dict[str, float]:
    """A metrics page as a dict; empty while the worker does not answer yet."""
    try:
        text = urllib.request.urlopen(url, timeout=5).read().decode()
    except OSError:
        return {}
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in rows}


def peer(name: str, arguments: list[str], events: int) -> dict[str, float]:
    """Run a peer on core 1."""
    command = [sys.executable, str(HERE / "peers.py"), name, *arguments, "--events", str(events)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    pin(process.pid, 1)
    try:
        out, _ = process.communicate(timeout=200)
    finally:
        process.kill()
    return json.loads(out.decode().strip().splitlines()[-1])


def pin(pid: int, core: int) -> None:
    """Keep a process, its threads and its children to one core."""
    cores = sorted(os.sched_getaffinity(0))
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {cores[core % len(cores)]})
        for child in (task / "children").read_text().split():
            pin(int(child), core)


def show(name: str, worker: dict, bare: dict, plain: dict) -> None:
    """The table of one load."""
    rows = {
        "hydrawatch worker": worker,
        "aiokafka consume + decode": bare,
        "plain Faust, windowed count": plain,
    }
    rates = {
        label: (row["events"] / row["seconds"], row["events"] / row["cpu_seconds"])
        for label, row in rows.items()
    }
    mine = rates["hydrawatch worker"]
    # Where others work on the same core, a second of its time is what can be compared.
    print(f"\n{name}: events per second on one core, and per second of its time")
    for label, (wall, cpu) in rates.items():
        print(
            f"  {label:<30} {wall:>10,.0f} {cpu:>10,.0f}   worker is {mine[0] / wall:6.2f} x, "
            f"{mine[1] / cpu:6.2f} x"
        )
    print(
        f"  worker: {worker['cpu_seconds'] / worker['events'] * 1e6:.2f} us CPU per event, "
        f"{worker['resident_mib']:,.0f} MiB resident, {worker['settled_mib']:,.0f} when settled"
    )


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    sys.exit(main())
