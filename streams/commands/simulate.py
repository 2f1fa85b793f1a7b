"""`hydrawatch simulate`: a world to a file, to stdout or onto the request topic, as a stream."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from detectors.errors import ConfigError, HydrawatchError
from detectors.interface.clock import DAY_MS, HOUR_MS, MINUTE_MS
from streams.records.event_files import overwrites
from streams.records.produce import produce
from streams.settings.settings import Settings
from streams.terminal import console
from streams.topics.plan import PLANS
from streams.topics.status import partition_count
from worlds.catalogue import PIECES
from worlds.composition import CompositionError, of_allowed_size, read_composition
from worlds.presets import PRESETS, preset
from worlds.simulation import Simulation
from worlds.spec import WorldSpec
from worlds.world import opened
from worlds.write import Lines

FILE_SLICE_MS = HOUR_MS
PACED_SLICE_MS = MINUTE_MS  # progress that moves, when records go out slowly


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    preset: str | None
    world: str | None
    seed: int
    days: float | None
    accounts: int | None
    scale: float
    attacks: bool
    out: str | None
    topic: bool
    truth: str | None
    control: str | None
    speed_up: float
    end: str | None


def run(settings: Settings, wanted: Wanted, as_json: bool) -> int:
    """Simulate the world and write it where it was asked for; 0."""
    if bool(wanted.out) == wanted.topic:
        raise ConfigError("say where to: --out FILE, --out - or --topic, one of them")
    if wanted.speed_up and not wanted.topic:
        raise ConfigError("--speed-up paces a topic; with --out leave it away")
    for option, file in (("--truth", wanted.truth), ("--control", wanted.control)):
        if wanted.out and file and _one_file(wanted.out, file):
            raise ConfigError(f"{option} {file}: is where the events go; give another file")
    spec = spec_of(wanted)
    end_ms = _end_ms(wanted.end, spec.days)
    if wanted.topic:
        partition_count(settings, settings.requests_topic)  # before the work, not after it
        _warn_of_retention(settings, end_ms - round(spec.days * DAY_MS))
    slice_ms = PACED_SLICE_MS if wanted.speed_up else FILE_SLICE_MS
    world = Simulation(spec, wanted.seed, end_ms, slice_ms=slice_ms)
    started, worked = time.perf_counter(), time.process_time()
    with _explained_files(wanted):
        with _progress(world) as watched:
            _write(settings, wanted, watched)
        elapsed, worked = time.perf_counter() - started, time.process_time() - worked
        truth = world.truth()
        if wanted.truth:
            Path(wanted.truth).write_bytes(orjson.dumps(truth, option=orjson.OPT_INDENT_2) + b"\n")
        if wanted.control:
            lines = [orjson.dumps(control) + b"\n" for control in world.controls()]
            Path(wanted.control).write_bytes(b"".join(lines))
    if as_json and wanted.out != "-":
        sys.stdout.write(orjson.dumps(_summary(truth, elapsed, worked)).decode() + "\n")
    return 0


def spec_of(wanted: Wanted) -> WorldSpec:
    """Give the world asked for: a preset or a file, changed in size. Raises ConfigError."""
    try:
        asked = {
            "accounts": wanted.accounts,
            "scale": wanted.scale if wanted.scale != 1.0 else None,
        }
        return of_allowed_size(_spec_of(wanted), asked)
    except CompositionError as error:
        raise ConfigError(str(error)) from error


def _spec_of(wanted: Wanted) -> WorldSpec:
    if wanted.world is not None:
        if wanted.preset is not None:
            raise ConfigError("--preset or --world FILE, one of them: a file may name its preset")
        spec = read_composition(wanted.world)
        spec = spec if wanted.attacks else spec.without_attacks()
        spec = spec if wanted.scale == 1.0 else spec.scaled(wanted.scale)
        changes = {"days": wanted.days, "accounts": wanted.accounts}
        return replace(spec, **{k: v for k, v in changes.items() if v is not None})  # type: ignore[arg-type]
    name = wanted.preset or "quick"
    if name not in PRESETS:
        raise ConfigError(f"--preset is {name!r}; it takes {', '.join(PRESETS)}")
    return preset(
        name,
        accounts=wanted.accounts,
        days=wanted.days,
        scale=wanted.scale,
        attacks=wanted.attacks,
    )


def show_pieces(as_json: bool) -> int:
    """Print every piece that a composition may name, with its parameters; 0."""
    if as_json:
        table = {
            kind: {
                "code": piece.code,
                "label": piece.label,
                "title": piece.title,
                "parameters": {
                    name: {"default": p.default, "low": p.low, "high": p.high, "what": p.what}
                    for name, p in piece.parameters.items()
                },
            }
            for kind, piece in PIECES.items()
        }
        sys.stdout.write(orjson.dumps(table, option=orjson.OPT_INDENT_2).decode() + "\n")
        return 0
    for kind, piece in PIECES.items():
        sys.stdout.write(f"{piece.code:<4} {kind:<22} {piece.title}\n")
        for name, p in piece.parameters.items():
            sys.stdout.write(
                f"       {name} = {p.default:g}  ({p.low:g} to {p.high:g}; {p.what})\n"
            )
    return 0


def _write(settings: Settings, wanted: Wanted, slices: Iterator[Lines]) -> None:
    if wanted.out is None:
        asyncio.run(produce(settings, slices, speed_up=wanted.speed_up))
    elif wanted.out == "-":
        for records in slices:
            sys.stdout.buffer.write(records.joined())
        sys.stdout.buffer.flush()
    else:
        with opened(Path(wanted.out)) as out:
            for records in slices:
                out.write(records.joined())


def _one_file(out: str, truth: str) -> bool:
    if Path(out).exists():
        return overwrites(truth, out)
    return Path(out).resolve() == Path(truth).resolve()


def _summary(truth: dict[str, Any], elapsed: float, worked: float) -> dict[str, Any]:
    kept = {k: v for k, v in truth.items() if k not in ("accounts", "campaigns", "version")}
    events = truth["requests"] + truth["redelivered"]
    return {
        "events": events,
        **kept,
        "accounts": len(truth["accounts"]),
        "campaigns": len(truth["campaigns"]),
        "seconds": round(elapsed, 3),
        "cpu_seconds": round(worked, 3),
        "events_per_second": round(events / elapsed) if elapsed else None,
    }


def _end_ms(end: str | None, days: float) -> int:
    if end is None or end == "now":
        return time.time_ns() // 1_000_000
    if not end.isdecimal() or not days * DAY_MS <= int(end) < 1 << 62:
        raise ConfigError(
            f"--end is {end!r}; it takes now, or ms since epoch that lie at least the "
            "world's days after 1970"
        )
    return int(end)


def _warn_of_retention(settings: Settings, first_ms: int) -> None:
    kept = next(plan for plan in PLANS if plan.setting == "requests_topic").keep_days
    age_days = (time.time_ns() // 1_000_000 - first_ms) / DAY_MS
    if age_days > kept:
        console(stderr=True, soft_wrap=True).print(
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
def _progress(world: Simulation) -> Iterator[Iterator[Lines]]:
    """The world's slices, with a bar on a terminal that follows event time."""
    out = console(stderr=True)
    columns = (
        TextColumn("{task.fields[events]:,} events"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out, disable=not out.is_terminal) as bar:
        task = bar.add_task("", total=world.end_ms - world.start_ms, events=0)
        yield _watched(world, lambda at, done: bar.update(task, completed=at, events=done))


def _watched(world: Simulation, progress: Callable[[int, int], None]) -> Iterator[Lines]:
    done = 0
    for records in world.slices():
        yield records
        done += len(records)
        progress(int(records.timestamps[-1]) - world.start_ms, done)
