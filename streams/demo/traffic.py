"""The demo's traffic: the simulated world at the worker's own pace, with a few unreadable records."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from streams.records.produce import produce
from streams.settings.settings import Settings
from worlds.emit import Records
from worlds.malformed import kinds_of_malformed, malformed
from worlds.scoring.sightings import Sightings
from worlds.world import World
from worlds.write import Lines

ROWS = 1000
# Records that may wait for the worker: enough that it never idles, few enough that the display's
# lag means something. Well above what `produce` holds in open batches, which waits with us.
MOST_WAITING = 20_000
PAUSE_S = 0.02

T = TypeVar("T")


@dataclass(slots=True)
class PacedTraffic:
    """What was sent so far. `read` is what the worker has read, kept up by whoever watches it."""

    world: World
    seen: Sightings = field(default_factory=Sightings)  # the attackers' events, for the score
    malformed: int = 0
    sent: int = 0
    read: int = 0
    done: bool = False
    stopped: threading.Event = field(default_factory=threading.Event)

    def paced(self, batches: Iterable[T]) -> Iterator[T]:
        """The batches, each when the worker has little left to read; none after `stopped`."""
        for records in batches:
            while self.sent - self.read > MOST_WAITING and not self.stopped.is_set():
                time.sleep(PAUSE_S)
            if self.stopped.is_set():
                return
            yield records


@dataclass(slots=True)
class Traffic(PacedTraffic):
    """The world's events, straight onto the request topic."""

    malformed: int = field(default_factory=kinds_of_malformed)  # one of every kind

    @property
    def total(self) -> int:
        """Records to be sent, the malformed ones included."""
        return self.world.events + self.malformed

    def send(self, settings: Settings) -> None:
        """Send everything, or until `stopped`; blocks, so call it in a thread. Raises BrokerError."""
        asyncio.run(produce(settings, self.paced(self._mixed()), progress=self._sent))
        self.done = not self.stopped.is_set()

    def _sent(self, count: int) -> None:
        self.sent = count

    def _mixed(self) -> Iterator[Records]:
        """The world's records with the malformed ones spread evenly over them."""
        bad = malformed(self.malformed)
        batches = -(-self.world.events // ROWS)
        given = 0
        for number, records in enumerate(self.world.chunks(ROWS), 1):
            self.seen.take(records.values, records.keys, records.guilty)
            due = self.malformed * number // batches - given
            given += due
            yield _with(records, [next(bad)[0] for _ in range(due)])


def _with(records: Lines, bad: list[bytes | None]) -> Records:
    """The records and `bad` among them, under the keys and times of those they stand beside."""
    keys, values, times = list(records.keys), list(records.values), records.timestamps.tolist()
    apart = max(1, len(keys) // (len(bad) + 1))
    for place, value in enumerate(bad, 1):
        at = min(place * apart, len(keys) - 1)
        keys.insert(at, keys[at])
        values.insert(at, value)  # type: ignore[arg-type]  # a null value is one of the kinds
        times.insert(at, times[at])
    return Records(keys, values, np.array(times, np.int64))
