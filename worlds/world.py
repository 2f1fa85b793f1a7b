"""A whole world: its groups put together, their requests drawn, delivered and written."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from worlds.accounts import Accounts, joined
from worlds.activity import activity
from worlds.arrival import delivered, in_order
from worlds.classroom import classroom
from worlds.clock import DAY_MS, Period
from worlds.emit import Records, Writer
from worlds.hydra import hydra
from worlds.organisations import organisations
from worlds.places import Places
from worlds.population import commons, ordinary
from worlds.randomness import Words, numbered, stream
from worlds.requests import Requests, appended, requests
from worlds.truth import truth

SEATS_PER_ORDINARY = 0.2


class World:
    """A simulated period in memory, as columns; serialised only while it is read."""

    def __init__(
        self, accounts: Accounts, names: Words, places: list[bytes], records: Requests
    ) -> None:
        self.accounts = accounts
        self.records = records
        self._names = names
        self._places = places

    @property
    def events(self) -> int:
        """Give the number of records, redelivered ones included."""
        return len(self.records)

    def chunks(self, rows: int = 50_000) -> Iterator[Records]:
        """Give all records in order of arrival, at most `rows` at a time."""
        writer = Writer(self.accounts, self._names, self._places)
        for first in range(0, self.events, rows):
            yield writer.records(self.records.take(slice(first, first + rows)))

    def truth(self) -> dict[str, Any]:
        """Say who is who: see `worlds.truth.truth`."""
        return truth(self.accounts, self._names, self.records)

    def write(self, path: str | Path, progress: Callable[[int], None] | None = None) -> None:
        """Write one event per line to a .jsonl or .jsonl.gz file.

        `progress` is called now and then with the number of lines written so far.
        """
        done = 0
        with _open(Path(path)) as out:
            for records in self.chunks(10_000):
                out.write(b"\n".join(records.values) + b"\n")
                done += len(records)
                if progress is not None:
                    progress(done)


def build(seed: int, days: float, accounts: int, end_ms: int, hydra_accounts: int = 300) -> World:
    """Simulate `days` days up to `end_ms` (ms since epoch): the same arguments give the same bytes.

    `accounts` are the ordinary ones; organisations add a fifth as many seats, a class 60 to 120
    students (fewer in a small world), and a hydra `hydra_accounts` (0: none).
    """
    period = Period(end_ms - round(days * DAY_MS), end_ms)
    places = Places(stream(seed, "places"))
    shared = commons(stream(seed, "commons"), places, accounts)
    lecture = stream(seed, "class")
    students = min(int(lecture.integers(60, 121)), accounts // 10)
    seats = round(accounts * SEATS_PER_ORDINARY)
    groups = {
        "ordinary": ordinary(stream(seed, "ordinary"), places, shared, accounts, period),
        "organisations": organisations(
            stream(seed, "organisations"), places, shared, seats, period
        ),
        "class": classroom(lecture, places, shared, students, period),
    }
    if hydra_accounts:
        groups["hydra"] = hydra(stream(seed, "hydra"), places, hydra_accounts, period)

    # each group has streams of its own: with or without a hydra, the others do the same things
    sent: list[Requests] = []
    names: list[Words] = []
    before = 0
    for name, group in groups.items():
        moments = activity(stream(seed, f"{name}: activity"), group, period)
        drawn = requests(stream(seed, f"{name}: requests"), group, moments)
        drawn.event = numbered(seed, f"{name}: events", len(drawn))
        drawn.account = drawn.account + before
        sent.append(delivered(stream(seed, f"{name}: arrival"), drawn))
        names.append(numbered(seed, f"{name}: names", len(group)))
        before += len(group)
    records = in_order(appended(*sent), end_ms)
    return World(joined(list(groups.values())), np.concatenate(names), places.fragments(), records)


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        # no file time inside, so that equal worlds are equal files
        return cast("IO[bytes]", gzip.GzipFile(path, "wb", compresslevel=6, mtime=0))
    return path.open("wb")
