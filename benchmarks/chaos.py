"""Disturbs workers at random points and compares every alert with the undisturbed run's.

    python benchmarks/chaos.py [--runs N] [--workers W] [--kills K] [--seed S] [--broker kafka|embedded]

A run streams a simulated world to a broker of its own while workers are killed (-9), stopped in good
order one after another, frozen for longer than their session lasts and woken again, and (with Apache
Kafka) the broker itself is restarted. Each is followed by a successor. At the end the alerts on the
topic must be those of a replay of the same records: all revisions, bodies and their order. What is
done and when follows from the seed, which is printed; how far the workers have come by then does not,
so that the same seed meets other places. Exit code 1 where a run differs.
"""

from __future__ import annotations

import argparse
import asyncio
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.kafka.embedded_broker import EmbeddedBroker, free_port
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from tests.integration.watched import Watched
from tests.integration.workers import END_MS, Batch, published, replayed
from worlds.world import build

HYDRAWATCH = Path(sys.executable).parent / "hydrawatch"
PATIENCE_S = 240.0
SESSION_S = 3.0
DEAF_S = 15.0


def main() -> int:
    """Run them, print each, and say whether all were equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="at a time")
    parser.add_argument("--kills", type=int, default=10, help="kill -9 per run; others come on top")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--accounts", type=int, default=400)
    parser.add_argument("--hydra", type=int, default=200, help="accounts of a campaign among them")
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--snapshot-s", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--broker", choices=("kafka", "embedded"), default="kafka")
    parser.add_argument("--json", action="store_true", help="one JSON object a run on stdout")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.randrange(1 << 30)
    differing = 0
    for number in range(given.runs):
        outcome = run(given, seed + number)
        differing += not outcome.equal
        print(json.dumps(vars(outcome)) if given.json else outcome.line(), flush=True)
    return 1 if differing else 0


@dataclass
class Outcome:
    """One run: its seed, what was done, and whether the alerts were the expected ones."""

    seed: int
    workers: int
    done: Counter[str] = field(default_factory=Counter)
    expected: int = 0
    found: int = 0
    equal: bool = False
    differs: str = ""
    seconds: float = 0.0

    def line(self) -> str:
        """The run on one line."""
        acts = ", ".join(f"{count} {what}" for what, count in sorted(self.done.items()))
        verdict = "equal" if self.equal else f"DIFFERENT: {self.differs}"
        return (
            f"seed {self.seed}: {self.workers} workers, {acts}; {self.found} of {self.expected} "
            f"alerts, {verdict} ({self.seconds:.0f} s)"
        )


def run(given: argparse.Namespace, seed: int) -> Outcome:
    """One world, one broker, many disturbances."""
    chance = random.Random(seed)
    outcome = Outcome(seed, given.workers)
    started = time.monotonic()
    world = build(seed % 997, given.days, given.accounts, END_MS, given.hydra)
    batches = [Batch(list(r.keys), list(r.values), r.timestamps) for r in world.chunks(500)]
    with broker(given.broker) as (address, restart), tempfile.TemporaryDirectory() as folder:
        settings = Settings(broker=address, partitions=given.partitions)
        create_topics(settings, given.partitions, replication=1)
        expected = replayed(settings, batches)
        crew = Crew(settings, Path(folder), given.workers, given.snapshot_s)
        try:
            sending = threading.Thread(
                target=send_slowly,
                args=(settings, batches, given.kills),
                kwargs={"idempotent": restart is not None},
            )
            sending.start()
            disturb(crew, restart, chance, given.kills, outcome)
            sending.join()
            found = wait_for(settings, crew, len(expected))
            said = crew.state()
        finally:
            crew.end()
    outcome.expected, outcome.found = len(expected), len(found)
    outcome.equal = found == expected
    outcome.differs = "" if outcome.equal else f"{difference(expected, found)}; {said}"
    outcome.seconds = time.monotonic() - started
    return outcome


class Crew:
    """The worker processes of a run."""

    def __init__(self, settings: Settings, folder: Path, count: int, snapshot_s: float) -> None:
        self._ports = [free_port() for _ in range(count)]
        self._environment = {
            **os.environ,
            "HYDRAWATCH_BROKER": settings.broker,
            "HYDRAWATCH_PARTITIONS": str(settings.partitions),
            "HYDRAWATCH_DATA_DIR": str(folder),
            "HYDRAWATCH_LOG_LEVEL": "error",
            "HYDRAWATCH_SESSION_TIMEOUT_S": str(SESSION_S),
            "HYDRAWATCH_HEARTBEAT_S": "0.5",
            "HYDRAWATCH_DEAF_S": str(DEAF_S),
            "HYDRAWATCH_SNAPSHOT_S": str(snapshot_s),
        }
        self.members = [self._start(place) for place in range(count)]

    def _start(self, place: int) -> subprocess.Popen[bytes]:
        port = {"HYDRAWATCH_METRICS_PORT": str(self._ports[place])}
        return subprocess.Popen([str(HYDRAWATCH), "worker"], env=self._environment | port)

    def state(self) -> str:
        """What each says of itself: for who wants to know why a run came to no end."""
        return "; ".join(
            f"worker {place}: {self._says(place)}" for place in range(len(self._ports))
        )

    def _says(self, place: int) -> str:
        try:
            return str(Watched(self.members[place], self._ports[place]).reasons())
        except OSError as error:
            return f"no answer ({error}), exit code {self.members[place].poll()}"

    def kill(self, place: int) -> None:
        """Kill a worker at once."""
        self.members[place].kill()
        self.members[place].wait()

    def stop(self, place: int) -> None:
        """Stop a worker in good order."""
        self.members[place].send_signal(signal.SIGTERM)
        try:
            self.members[place].wait(40)
        except subprocess.TimeoutExpired:
            self.kill(place)

    def replace(self, place: int) -> None:
        """A successor in a worker's place."""
        self.members[place] = self._start(place)

    def revive(self) -> int:
        """Start anew what ended by itself, as an orchestrator does; returns how many."""
        ended = [i for i, member in enumerate(self.members) if member.poll() is not None]
        for place in ended:
            self.replace(place)
        return len(ended)

    def end(self) -> None:
        """End all of them."""
        for place, member in enumerate(self.members):
            if member.poll() is None:
                member.send_signal(signal.SIGCONT)
                self.stop(place)


def plan(chance: random.Random, kills: int, workers: int, *, broker: bool) -> list[str]:
    """What is done to a run, in order: so many kills, and at least one of everything else."""
    some = 1 + kills // 10
    acts = ["kill -9"] * kills + ["rolling restart"] * some
    acts += ["freeze"] * (some if workers > 1 else 0)
    acts += ["broker restart"] * (1 if broker else 0)
    chance.shuffle(acts)
    return acts


def disturb(crew: Crew, restart: Any, chance: random.Random, kills: int, outcome: Outcome) -> None:
    """Do to the crew what is planned, each at a random moment."""
    for act in plan(chance, kills, len(crew.members), broker=restart is not None):
        time.sleep(chance.uniform(0.3, 4.0))
        place = chance.randrange(len(crew.members))
        if act == "kill -9":
            crew.kill(place)
            time.sleep(chance.choice([0.0, 0.0, chance.uniform(0, 2 * SESSION_S)]))
            crew.replace(place)
        elif act == "rolling restart":
            for each in range(len(crew.members)):
                crew.stop(each)
                crew.replace(each)
        elif act == "freeze":
            crew.members[place].send_signal(signal.SIGSTOP)
            time.sleep(SESSION_S * chance.uniform(0.5, 2.5))
            crew.members[place].send_signal(signal.SIGCONT)
        else:
            restart()
        outcome.done[act] += 1
        outcome.done["ended by itself"] += crew.revive()


def send_slowly(settings: Settings, batches: list[Batch], kills: int, *, idempotent: bool) -> None:
    """Spread the records over about the time that the disturbances take."""
    pause = 3.5 * kills / max(len(batches), 1)

    async def send() -> None:
        # One that knows what the broker has got: a restart must not cost or repeat a record.
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.broker, enable_idempotence=idempotent, acks="all"
        )
        await producer.start()
        try:
            for batch in batches:
                sent = [
                    await producer.send(
                        settings.requests_topic, value, key=key, timestamp_ms=int(at)
                    )
                    for key, value, at in zip(*batch, strict=True)
                ]
                await asyncio.gather(*sent)
                await asyncio.sleep(pause)
        finally:
            await producer.stop()

    asyncio.run(send())


def wait_for(settings: Settings, crew: Crew, count: int) -> list[bytes]:
    """The alerts, once there are as many as expected and no more come."""
    until = time.monotonic() + PATIENCE_S
    before: list[bytes] = []
    while time.monotonic() < until:
        crew.revive()
        now = published(settings)
        if len(now) >= count and len(now) == len(before):
            return now
        before = now
        time.sleep(3)
    return before


def difference(expected: list[bytes], found: list[bytes]) -> str:
    """Where two lists of alerts part, in a few words."""
    missing = Counter(expected) - Counter(found)
    extra = Counter(found) - Counter(expected)
    at = next((i for i, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b), None)
    return f"{missing.total()} missing, {extra.total()} too many, first at {at}"


@contextmanager
def broker(kind: str) -> Iterator[tuple[str, Any]]:
    """A broker's address, and what restarts it (None: it keeps nothing over a restart)."""
    if kind == "embedded":
        with EmbeddedBroker() as embedded:
            yield embedded.address, None
        return
    from tests.kafka.cluster import KafkaCluster

    with KafkaCluster.start() as cluster:

        def restart() -> None:
            cluster.kill(1)
            time.sleep(1.0)
            cluster.restart(1)

        yield cluster.bootstrap, restart


if __name__ == "__main__":
    sys.exit(main())
