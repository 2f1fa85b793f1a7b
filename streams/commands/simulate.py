"""`hydrawatch simulate`: a small honest world with one hydra, to a file or the request topic."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from detectors.errors import ConfigError, HydrawatchError
from streams import topics
from streams.files import overwrites
from streams.produce import produce
from streams.settings import Settings
from streams.topic_plan import DAY_MS, PLANS
from worlds.world import World, build

# 2026-01-05 00:00 UTC, a Monday: a file's default end, so that a seed always gives the same bytes.
FIXED_END_MS = 1_767_571_200_000
CHUNK_ROWS = 10_000
PACED_ROWS = 500  # progress that moves, when records go out slowly


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    seed: int
    days: float
    accounts: int
    hydra: int
    out: str | None
    topic: bool
    truth: str | None
    speed_up: float
    end: str | None


def run(settings: Settings, wanted: Wanted, as_json: bool) -> int:
    """Build the world and write it where it was asked for; 0."""
    if bool(wanted.out) == wanted.topic:
        raise ConfigError("say where to: --out FILE, --out - or --topic, one of them")
    if wanted.speed_up and not wanted.topic:
        raise ConfigError("--speed-up paces a topic; with --out leave it away")
    if wanted.out and wanted.truth and _one_file(wanted.out, wanted.truth):
        raise ConfigError(f"--truth {wanted.truth}: is where the events go; give another file")
    end_ms = _end_ms(wanted)
    if wanted.topic:
        topics.partition_count(settings, settings.requests_topic)  # before the work, not after it
        _warn_of_retention(settings, end_ms - round(wanted.days * DAY_MS))
    world = build(wanted.seed, wanted.days, wanted.accounts, end_ms, wanted.hydra)
    with _explained_files(wanted):
        if wanted.truth:
            text = orjson.dumps(world.truth(), option=orjson.OPT_INDENT_2)
            Path(wanted.truth).write_bytes(text + b"\n")
        with _progress(world.events) as advance:
            _write(settings, wanted, world, advance)
    if as_json and wanted.out != "-":
        summary = {"events": world.events, "seed": wanted.seed, "end_ms": end_ms}
        sys.stdout.write(orjson.dumps(summary).decode() + "\n")
    return 0


def _write(
    settings: Settings, wanted: Wanted, world: World, advance: Callable[[int], None]
) -> None:
    if wanted.out is None:
        rows = PACED_ROWS if wanted.speed_up else CHUNK_ROWS
        batches = world.chunks(rows)
        asyncio.run(produce(settings, batches, speed_up=wanted.speed_up, progress=advance))
    elif wanted.out == "-":
        done = 0
        for records in world.chunks(CHUNK_ROWS):
            sys.stdout.buffer.write(b"\n".join(records.values) + b"\n")
            done += len(records.values)
            advance(done)
        sys.stdout.buffer.flush()
    else:
        world.write(wanted.out, advance)


def _one_file(out: str, truth: str) -> bool:
    if Path(out).exists():
        return overwrites(truth, out)
    return Path(out).resolve() == Path(truth).resolve()


def _end_ms(wanted: Wanted) -> int:
    if wanted.end == "now" or (wanted.end is None and wanted.topic):
        return time.time_ns() // 1_000_000
    if wanted.end is None:
        return FIXED_END_MS
    if not wanted.end.isdecimal() or not wanted.days * DAY_MS <= int(wanted.end) < 1 << 62:
        raise ConfigError(
            f"--end is {wanted.end!r}; it takes now, or ms since epoch that lie at least the "
            "world's days after 1970"
        )
    return int(wanted.end)


def _warn_of_retention(settings: Settings, first_ms: int) -> None:
    kept = next(plan for plan in PLANS if plan.setting == "requests_topic").keep_days
    age_days = (time.time_ns() // 1_000_000 - first_ms) / DAY_MS
    if age_days > kept:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"hydrawatch: the world begins {age_days:.0f} days ago and {settings.requests_topic} "
            f"keeps {kept}: the broker may delete its head before it is read",
            style="yellow",
        )


@contextmanager
def _explained_files(wanted: Wanted) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or wanted.out or wanted.truth
        raise HydrawatchError(f"{where}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("events", total=total)
        yield lambda done: bar.update(task, completed=done)
