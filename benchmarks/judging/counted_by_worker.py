"""What a worker makes of all that lies on a request topic, by outcome."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.throughput import scrape
from streams.kafka.embedded_broker import free_port
from streams.settings.settings import Settings

HYDRAWATCH = str(Path(sys.executable).parent / "hydrawatch")
PATIENCE_S = 600.0


def worker_counts(settings: Settings, folder: str, records: int) -> dict[str, int]:
    """What a worker makes of them all, by outcome."""
    port = free_port()
    own = {
        "HYDRAWATCH_BROKER": settings.broker,
        "HYDRAWATCH_PARTITIONS": str(settings.partitions),
        "HYDRAWATCH_METRICS_PORT": str(port),
        "HYDRAWATCH_DATA_DIR": folder,
        "HYDRAWATCH_LOG_LEVEL": "error",
    }
    process = subprocess.Popen([HYDRAWATCH, "worker"], env={**os.environ, **own})
    counted: dict[str, int] = {}
    try:
        until = time.monotonic() + PATIENCE_S
        while sum(counted.values()) < records and time.monotonic() < until:
            time.sleep(0.5)
            counted = {
                name.split('"')[1]: int(value)
                for name, value in scrape(f"http://127.0.0.1:{port}/metrics").items()
                if name.startswith("hydrawatch_events_total{")
            }
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    return {name: count for name, count in counted.items() if count or name == "duplicate"}
