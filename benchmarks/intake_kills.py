"""Kills the intake again and again while a gateway retries, and looks at what came of each record.

    python benchmarks/intake_kills.py [--kills N] [--records N] [--way http|topic] [--broker kafka|embedded]

A gateway posts LiteLLM's records in bodies and sends one again until it is answered with 200; with
`--way topic` they lie on a topic that `hydrawatch intake topic` reads. Meanwhile the intake is killed (-9) at
random moments and started again. At the end every record must be on the request topic at least once, none
under two ids, and a worker that reads the topic must count each once. Exit code 1 where that is not so.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from benchmarks.chaos import broker
from benchmarks.judging.counted_by_worker import worker_counts
from benchmarks.throughput import scrape
from streams.kafka.embedded_broker import free_port
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from worlds import litellm, load

HYDRAWATCH = str(Path(sys.executable).parent / "hydrawatch")
KEY, TOKEN = "a key for the benchmark", "a-token-for-the-benchmark"
PARTITIONS, BODY, CONNECTIONS = 4, 50, 3
SOURCE = "killed-source"
PATIENCE_S = 600.0


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--records", type=int, default=40_000)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--way", choices=("http", "topic"), default="http")
    parser.add_argument("--broker", choices=("kafka", "embedded"), default="kafka")
    parser.add_argument("--seed", type=int, default=1)
    outcome = run(parser.parse_args())
    print(outcome.line())
    return 0 if outcome.good else 1


@dataclass
class Outcome:
    """What was found: the records that were sent, and what became of them."""

    way: str
    kills: int
    sent: str
    wanted: set[str]
    seen: Counter[str]
    counted: dict[str, int]
    seconds: float

    @property
    def twice(self) -> int:
        """Records on the topic beside the first of each id."""
        return sum(count - 1 for count in self.seen.values())

    @property
    def good(self) -> bool:
        """Whether each record is there, under its id alone, and was counted once."""
        counted = {"accepted": len(self.wanted), "duplicate": self.twice}
        return self.wanted == set(self.seen) and self.counted == counted

    def line(self) -> str:
        """The run on one line."""
        missing, strange = self.wanted - set(self.seen), set(self.seen) - self.wanted
        return (
            f"{self.way}: {self.kills} kills, {len(self.wanted):,} records, {self.sent}; "
            f"{len(missing):,} missing, {len(strange):,} under another id, {self.twice:,} more than "
            f"once; the worker counted {self.counted} ({self.seconds:.0f} s): "
            f"{'good' if self.good else 'BAD'}"
        )


def run(given: argparse.Namespace) -> Outcome:
    """One broker, one gateway, many kills."""
    began = time.monotonic()
    # It ends some minutes ago: the worker takes no event of the future.
    minutes = given.records / given.accounts / 2 + 10
    start_ms = time.time_ns() // 1_000_000 - round(minutes * 60_000)
    lines = [
        orjson.dumps(litellm.record(orjson.loads(value)))
        for batch in load.dense(given.records, accounts=given.accounts, start_ms=start_ms)
        for value in batch.values
    ]
    with broker(given.broker) as (address, _), tempfile.TemporaryDirectory() as folder:
        settings = Settings(broker=address, partitions=PARTITIONS)
        create_topics(settings, PARTITIONS, replication=1)
        killed = Killed(settings, given.way)
        found = over_http if given.way == "http" else from_topic
        sent = found(settings, killed, lines, given.kills, random.Random(given.seed))
        seen = on_the_topic(settings)
        counted = worker_counts(settings, folder, sum(seen.values()))
    wanted = {json.loads(line)["litellm_call_id"] for line in lines}
    return Outcome(given.way, killed.kills, sent, wanted, seen, counted, time.monotonic() - began)


@dataclass
class Killed:
    """An intake process, its successors, and how often it was killed."""

    settings: Settings
    way: str
    port: int = field(default_factory=free_port)
    metrics: int = field(default_factory=free_port)
    kills: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start one; it is not ready yet."""
        own = {
            "HYDRAWATCH_BROKER": self.settings.broker,
            "HYDRAWATCH_INTAKE_KEY": KEY,
            "HYDRAWATCH_INTAKE_TOKEN": TOKEN,
            "HYDRAWATCH_INTAKE_PORT": str(self.port),
            "HYDRAWATCH_METRICS_PORT": str(self.metrics),
            "HYDRAWATCH_LOG_LEVEL": "error",
            "HYDRAWATCH_SESSION_TIMEOUT_S": "6",
            "HYDRAWATCH_HEARTBEAT_S": "1",
            "HYDRAWATCH_INSTANCE_ID": "intake-0",  # a successor need not wait for the session's end
        }
        arguments = ["serve"]
        if self.way == "topic":
            arguments = ["topic", "--from", SOURCE, "--format", "litellm"]
        self.process = subprocess.Popen(
            [HYDRAWATCH, "intake", *arguments], env={**os.environ, **own}
        )

    def events(self) -> float:
        """How many events the one that runs has delivered."""
        page = scrape(f"http://127.0.0.1:{self.metrics}/metrics")
        return page.get('hydrawatch_intake_events_total{format="litellm"}', 0.0)

    def kill(self) -> None:
        """Kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def stop(self) -> None:
        """Stop the last one in good order."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def disturbed(killed: Killed, kills: int, chance: random.Random, done: Callable[[], bool]) -> None:
    """Kill it while it works: each has delivered something before, or had time to."""
    killed.start()
    for _ in range(kills):
        until = time.monotonic() + 60
        while not killed.events() and not done() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(chance.uniform(0.0, 0.7))
        killed.kill()
        killed.start()


def over_http(
    settings: Settings, killed: Killed, lines: Sequence[bytes], kills: int, chance: random.Random
) -> str:
    """A gateway of some connections that sends each body until it is taken."""
    bodies = iter([b"\n".join(lines[n : n + BODY]) for n in range(0, len(lines), BODY)])
    lock, again = threading.Lock(), Counter[str]()
    # Spread over all the kills: with none left to come nothing would be tried.
    allowed = threading.Semaphore(0)
    total = -(-len(lines) // BODY)

    def client() -> None:
        while True:
            allowed.acquire()
            with lock:
                body = next(bodies, None)
            if body is None:
                return
            while (status := posted(killed.port, body)) != "200":
                with lock:
                    again[status] += 1
                time.sleep(0.1)

    clients = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
    for one in clients:
        one.start()

    def pace() -> None:
        for number in range(total + CONNECTIONS):
            while killed.kills < kills and number > (killed.kills + 1) * total / (kills + 1):
                time.sleep(0.02)
            allowed.release()

    pacing = threading.Thread(target=pace)
    pacing.start()
    disturbed(killed, kills, chance, lambda: not any(one.is_alive() for one in clients))
    pacing.join()
    for one in clients:
        one.join()
    killed.stop()
    return f"sent again {dict(again)}"


def posted(port: int, body: bytes) -> str:
    """The status of a post, or what went wrong before there was one."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        link.request("POST", "/v1/ingest/litellm", body, {"Authorization": f"Bearer {TOKEN}"})
        answer = link.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return "no answer"
    finally:
        link.close()
    return str(answer.status)


def from_topic(
    settings: Settings, killed: Killed, lines: Sequence[bytes], kills: int, chance: random.Random
) -> str:
    """The records on a topic, a share before each kill."""
    admin = KafkaAdminClient(bootstrap_servers=settings.broker)
    admin.create_topics({SOURCE: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    admin.close()
    producer = KafkaProducer(bootstrap_servers=settings.broker, linger_ms=10)
    sent = 0

    def produce() -> None:
        nonlocal sent
        for number, line in enumerate(lines):
            while killed.kills < kills and number > (killed.kills + 1) * len(lines) / (kills + 1):
                time.sleep(0.02)
            producer.send(SOURCE, line, partition=number % PARTITIONS)
            sent = number + 1

    producing = threading.Thread(target=produce)
    producing.start()
    disturbed(killed, kills, chance, lambda: sent == len(lines))
    producing.join()
    producer.flush()
    producer.close()
    until = time.monotonic() + PATIENCE_S
    while len(on_the_topic(settings)) < len(lines) and time.monotonic() < until:
        time.sleep(2)
    killed.stop()
    return "from a topic"


def on_the_topic(settings: Settings) -> Counter[str]:
    """How often each event id is on the request topic."""
    consumer = KafkaConsumer(
        settings.requests_topic,
        bootstrap_servers=settings.broker,
        auto_offset_reset="earliest",
        consumer_timeout_ms=5000,
        enable_auto_commit=False,
    )
    seen: Counter[str] = Counter()
    for record in consumer:
        seen[orjson.loads(record.value)["event_id"]] += 1
    consumer.close()
    return seen


if __name__ == "__main__":
    sys.exit(main())
