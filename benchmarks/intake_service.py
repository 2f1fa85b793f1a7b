"""Records per second of the intake: over HTTP with acknowledgements, and from topic to topic.

    python benchmarks/intake_service.py [--records N] [--json FILE]

Real `hydrawatch intake` processes, each pinned to one core, on an embedded broker pinned to the other, with
LiteLLM's records of a simulated load, in bodies of 250 as its callback sends them. Over HTTP a client posts
over several connections and waits for each answer, which comes when the broker has the events. Beside both,
on the same records: `json.loads` and a dict of the same fields, the least that anything could do. Memory is
the process's own, after the first tenth and at the end. A second of the intake's own time is what can be
compared on a machine that has others on it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer

from benchmarks.throughput import pin, scrape
from streams.kafka.embedded_broker import EmbeddedBroker, free_port
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from worlds import litellm, load

HYDRAWATCH = str(Path(sys.executable).parent / "hydrawatch")
KEY, TOKEN = "a key for the benchmark", "a-token-for-the-benchmark"
PARTITIONS, BODY, CONNECTIONS = 4, 250, 4
START_MS = 1_776_947_400_000
SOURCE = "benchmark-source"
PATIENCE_S = 900.0


def main() -> int:
    """Measure both ways and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--json", help="also write the figures to this file")
    given = parser.parse_args()
    lines = records(given.records, given.accounts)
    figures: dict[str, Any] = {
        "records": len(lines),
        "bytes_a_record": round(sum(map(len, lines)) / len(lines)),
        "json_loads": plain(lines),
    }
    with EmbeddedBroker() as broker:
        pin(broker.pid, 0)
        settings = Settings(broker=broker.address, partitions=PARTITIONS)
        create_topics(settings, PARTITIONS, replication=1)
        figures["http"] = over_http(settings, lines)
        figures["topic"] = from_topic(settings, lines)
    for name in ("json_loads", "http", "topic"):
        row = figures[name]
        memory = (
            f"{row['mib_early']:,.0f} MiB, then {row['mib_late']:,.0f}" if "mib_late" in row else ""
        )
        print(
            f"{name:<12} {row['per_second']:>10,.0f}/s {row['per_cpu_second']:>10,.0f} per second of "
            f"its time   {memory}"
        )
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1))
    return 0


def records(count: int, accounts: int) -> list[bytes]:
    """LiteLLM's records of a load, in order of time."""
    found: list[bytes] = []
    for batch in load.dense(count, accounts=accounts, start_ms=START_MS):
        found += [json.dumps(litellm.record(json.loads(value))).encode() for value in batch.values]
    return found


def plain(lines: Sequence[bytes]) -> dict[str, float]:
    """What parsing alone costs, with a dict of the fields that an event has."""
    began, worked = time.perf_counter(), time.process_time()
    made = 0
    for line in lines:
        record = json.loads(line)
        metadata = record["metadata"]
        event = {
            "event_id": record["litellm_call_id"],
            "event_time": record["endTime"],
            "account_id": metadata["user_api_key_user_id"],
            "org_id": metadata["user_api_key_org_id"],
            "api_key_id": metadata["user_api_key_hash"],
            "model": record["model"],
            "input_tokens": record["prompt_tokens"],
            "output_tokens": record["completion_tokens"],
            "cost_usd": record["response_cost"],
            "latency_ms": record["response_time"],
            "status": record["status"],
        }
        made += len(json.dumps(event)) > 0
    return rates(made, time.perf_counter() - began, time.process_time() - worked)


def over_http(settings: Settings, lines: Sequence[bytes]) -> dict[str, float]:
    """Post all, over some connections; every answer is waited for."""
    with intake(settings, "serve") as (port, metrics):
        bodies = [b"\n".join(lines[n : n + BODY]) for n in range(0, len(lines), BODY)]
        places = iter(range(len(bodies)))
        lock = threading.Lock()
        failed: list[str] = []
        early: list[float] = []

        def client() -> None:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            while True:
                with lock:
                    place = next(places, None)
                if place is None:
                    return
                if place == len(bodies) // 10:
                    early.append(memory(metrics))
                while True:
                    link.request(
                        "POST",
                        "/v1/ingest/litellm",
                        bodies[place],
                        {"Authorization": f"Bearer {TOKEN}"},
                    )
                    answer = link.getresponse()
                    said = answer.read()
                    if answer.status not in (429, 503):
                        break
                    time.sleep(float(answer.headers["Retry-After"]))
                if (
                    answer.status != 200
                    or json.loads(said)["accepted"] != bodies[place].count(b"\n") + 1
                ):
                    failed.append(said.decode()[:300])
                    return

        began, worked = time.perf_counter(), cpu(metrics)
        clients = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        took, worked = time.perf_counter() - began, cpu(metrics) - worked
        if failed:
            raise SystemExit(failed[0])
        return rates(len(lines), took, worked) | {
            "mib_early": early[0],
            "mib_late": memory(metrics),
        }


def from_topic(settings: Settings, lines: Sequence[bytes]) -> dict[str, float]:
    """Read a topic of them; from the first tenth to the last record."""
    admin = KafkaAdminClient(bootstrap_servers=settings.broker)
    admin.create_topics({SOURCE: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    admin.close()
    producer = KafkaProducer(bootstrap_servers=settings.broker, linger_ms=20)
    for number, line in enumerate(lines):
        producer.send(SOURCE, line, partition=number % PARTITIONS)
    producer.flush()
    producer.close()
    with intake(settings, "topic", "--from", SOURCE, "--format", "litellm") as (_, metrics):
        samples: list[tuple[float, float, float, float]] = []
        until = time.monotonic() + PATIENCE_S
        while not samples or samples[-1][1] < len(lines):
            if time.monotonic() > until:
                raise SystemExit(f"{samples[-1][1]:,.0f} of {len(lines):,} in {PATIENCE_S:.0f} s")
            page = scrape(metrics)
            done = page.get('hydrawatch_intake_events_total{format="litellm"}', 0.0)
            samples.append((time.perf_counter(), done, cpu(metrics), memory(metrics)))
            time.sleep(0.1)
    first = next(one for one in samples if one[1] >= len(lines) * 0.1)
    last = samples[-1]
    return rates(last[1] - first[1], last[0] - first[0], last[2] - first[2]) | {
        "mib_early": first[3],
        "mib_late": last[3],
    }


def rates(count: float, seconds: float, cpu_seconds: float) -> dict[str, float]:
    """A row of the table."""
    return {"per_second": count / seconds, "per_cpu_second": count / max(cpu_seconds, 1e-9)}


def cpu(metrics: str) -> float:
    """Seconds of a core that the process has had."""
    return scrape(metrics).get("process_cpu_seconds_total", 0.0)


def memory(metrics: str) -> float:
    """Its memory in MiB."""
    return scrape(metrics).get("process_resident_memory_bytes", 0.0) / 2**20


@contextmanager
def intake(settings: Settings, *arguments: str) -> Iterator[tuple[int, str]]:
    """An intake process on core 1: its port, and its metrics page."""
    port, metrics = free_port(), free_port()
    own = {
        "HYDRAWATCH_BROKER": settings.broker,
        "HYDRAWATCH_INTAKE_KEY": KEY,
        "HYDRAWATCH_INTAKE_TOKEN": TOKEN,
        "HYDRAWATCH_INTAKE_PORT": str(port),
        "HYDRAWATCH_METRICS_PORT": str(metrics),
        "HYDRAWATCH_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen([HYDRAWATCH, "intake", *arguments], env={**os.environ, **own})
    try:
        url = f"http://127.0.0.1:{metrics}/metrics"
        while not scrape(url).get("hydrawatch_intake_ready"):
            if process.poll() is not None:
                raise SystemExit(f"the intake ended with {process.returncode}")
            time.sleep(0.2)
        pin(process.pid, 1)
        yield port, url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


if __name__ == "__main__":
    sys.exit(main())
