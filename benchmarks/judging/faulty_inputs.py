"""Inputs that go wrong in the field, written to a folder: each gives the arguments that replay it.

The same bytes each time: no clock and no chance but a seeded one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from worlds.clock import DAY_MS, HOUR_MS, MINUTE_MS
from worlds.presets import preset
from worlds.simulation import Simulation

START_MS = 1_776_988_800_000  # a midnight, UTC
YEARS_MS = 1_000 * DAY_MS
Event = dict[str, Any]


def _written(folder: Path, name: str, content: Iterable[bytes], partitions: int = 1) -> list[str]:
    path = folder / name
    with path.open("wb") as out:
        out.writelines(content)
    return [str(path), "--partitions", str(partitions)]


def _told(folder: Path, name: str, events: Iterable[Event]) -> list[str]:
    return _written(folder, name, (orjson.dumps(event) + b"\n" for event in events))


def _request(number: int, time: int, account: str, **more: Any) -> Event:
    return {
        "event_id": f"e-{number}", "event_time": time, "ingest_time": time + 200, "account_id": account,
        "model": "large-5", "input_tokens": 900, "output_tokens": 300,
        "account_tier": "paid", "signup_path": "self", **more,
    }  # fmt: skip


def _world(folder: Path, name: str, change: Callable[[list[bytes]], list[bytes]]) -> list[str]:
    """The world of the preset `quick`, changed, in six partitions as a pipeline has them."""
    world = Simulation(preset("quick"), 5, START_MS + 14 * DAY_MS)
    lines = [value for part in world.slices() for value in part.values]
    return _written(folder, name, (line + b"\n" for line in change(lines)), partitions=6)


def _moved(line: bytes, ms: int, event_id: str) -> bytes:
    event = orjson.loads(line)
    time = event["event_time"] + ms
    return orjson.dumps({**event, "event_id": event_id, "event_time": time, "ingest_time": time})


def world_as_it_is(folder: Path) -> list[str]:
    """Nothing wrong: what the others are held against."""
    return _world(folder, "quick.jsonl", lambda lines: lines)


def _ahead(ms: int, rows: int = 1) -> Callable[[Path], list[str]]:
    """In the middle so many events of one account ahead, then the rest."""

    def change(lines: list[bytes]) -> list[bytes]:
        middle = len(lines) // 2
        wrong = [_moved(lines[middle], ms + n, f"wrong-{n}") for n in range(rows)]
        return [*lines[:middle], *wrong, *lines[middle:]]

    return lambda folder: _world(folder, "ahead.jsonl", change)


def a_tenth_ahead(folder: Path) -> list[str]:
    """One event in ten an hour less a minute ahead."""

    def change(lines: list[bytes]) -> list[bytes]:
        chance = random.Random(1)
        return [
            _moved(line, 59 * MINUTE_MS, f"x-{n}") if chance.random() < 0.1 else line
            for n, line in enumerate(lines)
        ]

    return _world(folder, "tenth-ahead.jsonl", change)


def _old_customers(name: str, signed_up: Callable[[int, int], int]) -> Callable[[Path], list[str]]:
    """120 accounts of three years, six to a card, device and prefix: four days, twelve requests a day.

    `signed_up` gives the sign-up date as told, from the true one and the event's time.
    """

    def events() -> Iterator[Event]:
        step = 4 * DAY_MS // 5760
        for n in range(5760):
            group, member = n % 20, n // 20 % 6
            time = START_MS + n * step
            yield _request(
                n, time, f"a-{group}-{member}", payment_fp=f"k1:card{group}",
                device_fp=f"k1:device{group}", ip_prefix_fp=f"k1:net{group}", ip_class="residential",
                account_created_at=signed_up(START_MS - YEARS_MS - group * DAY_MS, time),
            )  # fmt: skip

    return lambda folder: _told(folder, name, events())


def _session_start(_true: int, time: int) -> int:
    return time // HOUR_MS * HOUR_MS


def _loud_account(name: str, id_of: Callable[[int], str]) -> Callable[[Path], list[str]]:
    """Ten days of 40 accounts; on the last one of them takes 3,000 more."""

    def events() -> Iterator[Event]:
        chance = random.Random(7)
        made = [
            (
                START_MS + day * DAY_MS + 8 * HOUR_MS + chance.randrange(10 * HOUR_MS),
                f"a-{account:02}",
            )
            for day in range(10)
            for account in range(40)
            for _ in range(chance.randrange(55, 66))
        ]
        last = START_MS + 9 * DAY_MS + 8 * HOUR_MS
        made += [(last + n * 13_000, "a-07") for n in range(3_000)]
        for n, (time, account) in enumerate(sorted(made)):
            yield {**_request(n, time, account), "event_id": id_of(n)}

    return lambda folder: _told(folder, name, events())


def in_seconds(folder: Path) -> list[str]:
    """All times in seconds."""
    events = (_request(n, START_MS // 1000 + n, f"a-{n % 9}") for n in range(2_000))
    return _told(folder, "seconds.jsonl", events)


def _lines(count: int) -> bytes:
    return b"".join(
        orjson.dumps(_request(n, START_MS + n * 1_000, f"a-{n % 9}")) + b"\n" for n in range(count)
    )


def _file(name: str, make: Callable[[], bytes]) -> Callable[[Path], list[str]]:
    return lambda folder: _written(folder, name, [make()])


def _array() -> bytes:
    return b"[\n  " + b",\n  ".join(_lines(500).splitlines()) + b"\n]\n"


def _csv() -> bytes:
    rows = (f"e-{n},{START_MS + n},a-{n % 9},large-5,900,300\n" for n in range(500))
    header = "event_id,event_time,account_id,model,input_tokens,output_tokens\n"
    return (header + "".join(rows)).encode()


def all_rows_by_one(folder: Path) -> list[str]:
    """520,000 requests of one account in eight minutes, each with a device of its own; others beside."""

    def events() -> Iterator[Event]:
        for n in range(520_000):
            time = START_MS + n * 8 * MINUTE_MS // 520_000
            yield _request(n, time, "loud", device_fp=f"k1:d{n}", ip_prefix_fp=f"k1:p{n}")
            if n % 20 == 0:
                yield _request(1_000_000 + n, time, f"customer-{n // 20}")

    return _told(folder, "one-takes-all.jsonl", events())


def _allowances(count: int) -> Callable[[Path], list[str]]:
    """So many allowances for a week each, and an hour of requests."""

    def written(folder: Path) -> list[str]:
        control = folder / f"allowances-{count}.jsonl"
        with control.open("wb") as out:
            for n in range(count):
                at = START_MS + n
                allowance = {
                    "control_id": f"c-{n}", "kind": "allowance", "at": at, "until": at + 7 * DAY_MS,
                    "account_id": f"a-{n}", "families": ["volume"],
                }  # fmt: skip
                out.write(orjson.dumps(allowance) + b"\n")
        events = (_request(n, START_MS + n * 1_000, f"a-{n % 99}") for n in range(3_600))
        return [*_told(folder, "hour.jsonl", events), "--control", str(control)]

    return written


def parquet_bomb(folder: Path) -> list[str]:
    """A parquet file of some kilobytes that would fill gigabytes: one long id, four million times."""
    rows = 4_000_000
    long = pa.array(["x" * 2_000]).dictionary_encode()
    ids = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), long.dictionary)
    table = pa.table(
        {
            "event_id": ids,
            "event_time": pa.array([START_MS] * rows, pa.int64()),
            "account_id": pa.DictionaryArray.from_arrays(
                pa.array([0] * rows, pa.int32()), pa.array(["a"])
            ),
            "model": pa.DictionaryArray.from_arrays(
                pa.array([0] * rows, pa.int32()), pa.array(["m"])
            ),
            "input_tokens": pa.array([1] * rows, pa.int64()),
            "output_tokens": pa.array([1] * rows, pa.int64()),
        }
    )
    path = folder / "bomb.parquet"
    pq.write_table(table, path, compression="zstd", row_group_size=rows)
    return [str(path), "--partitions", "1"]


CASES: dict[str, Callable[[Path], Sequence[str]]] = {
    "as-it-is": world_as_it_is,
    "one-7-days-ahead": _ahead(7 * DAY_MS),
    "one-59-min-ahead": _ahead(59 * MINUTE_MS),
    "forty-59-min-ahead": _ahead(59 * MINUTE_MS, rows=40),
    "tenth-59-min-ahead": a_tenth_ahead,
    "sign-up-in-ms": _old_customers("created-ms.jsonl", lambda true, _time: true),
    "sign-up-in-us": _old_customers("created-us.jsonl", lambda true, _time: true * 1_000),
    "sign-up-in-s": _old_customers("created-s.jsonl", lambda true, _time: true // 1_000),
    "sign-up-is-session": _old_customers("created-session.jsonl", _session_start),
    "sign-up-is-request": _old_customers("created-request.jsonl", lambda _true, time: time),
    "ids-unique": _loud_account("ids-unique.jsonl", lambda n: f"e-{n}"),
    "ids-none": _loud_account("ids-none.jsonl", lambda _n: "None"),
    "ids-50-in-turn": _loud_account("ids-50.jsonl", lambda n: f"r-{n % 50}"),
    "times-in-s": in_seconds,
    "utf-16": _file("utf16.jsonl", lambda: _lines(500).decode().encode("utf-16")),
    "json-array": _file("array.json", _array),
    "csv": _file("events.csv", _csv),
    "rows-by-one": all_rows_by_one,
    "allowances-2000": _allowances(2_000),
    "allowances-20000": _allowances(20_000),
    "parquet-bomb": parquet_bomb,
}
