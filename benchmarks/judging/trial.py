"""One trial: a world of one preset and seed, generated, replayed to contenders, and scored."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.judging.contenders import HYDRAWATCH, contender
from benchmarks.judging.curves import curves
from worlds.catalogue import PIECES
from worlds.composition import CompositionError, of_allowed_size, read_composition
from worlds.presets import PRESETS, preset
from worlds.score import score_ledger
from worlds.scoring.ledger import Ledger
from worlds.scoring.sightings import Sightings
from worlds.scoring.who import who
from worlds.simulation import Simulation
from worlds.spec import WorldSpec

END_MS = 1_780_272_000_000  # a Monday, 2026-06-01: the same worlds whenever they are judged
SHOWN_EVERY_S = 1.0


@dataclass(frozen=True)
class Trial:
    """What to run; `preset` may be the path of a composition.

    Several contenders share one pass over the world, and none is then told on.
    """

    preset: str
    seed: int
    contenders: tuple[str, ...]
    without: tuple[str, ...] = ()
    overrides: dict[str, Any] = field(default_factory=dict)
    config: Path | None = None

    @property
    def spec(self) -> WorldSpec:
        """The world's spec, with the overrides."""
        if self.preset in PRESETS:
            spec = preset(self.preset, **self.overrides)
            changed = {name: self.overrides.get(name) for name in ("accounts", "scale")}
            return of_allowed_size(spec, changed)
        if self.overrides:
            raise CompositionError(
                f"{self.preset}: sizes of a composition are in its file; leave --scale and the like out"
            )
        return read_composition(self.preset)

    @property
    def adapts(self) -> bool:
        """Whether somebody in this world changes what they do once they are acted on."""
        return any(PIECES[chosen.kind].adapt for chosen in self.spec.pieces)


def run_apart(trial: Trial) -> list[dict[str, Any]]:
    """Run it in a fresh process, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run, trial).result()


def run(trial: Trial) -> list[dict[str, Any]]:
    """Run it and give one outcome per contender, ready for JSON.

    A contender that is alone has its alerts told to the world after every slice, so that attackers
    who adapt can. `peak_mib` is the process's peak, the simulator's share included.
    """
    world = Simulation(trial.spec, trial.seed, END_MS)
    judged = {name: contender(name, trial.config, world.controls()) for name in trial.contenders}
    ledgers = {name: Ledger() for name in judged}
    sightings = Sightings()
    began = shown = time.perf_counter()
    for records in world.slices():
        sightings.take(records.values, records.keys, records.guilty)
        for name, one in judged.items():
            alerts = one.take(records)
            for alert in alerts:
                ledgers[name].take(alert)
            if len(judged) == 1:
                world.tell(alerts)
        if time.perf_counter() - shown > SHOWN_EVERY_S:
            shown = time.perf_counter()
            _show(f"{trial.preset}, seed {trial.seed}: {sightings.records:,} events")
    _show("")
    elapsed = time.perf_counter() - began
    truth = world.truth()
    known = who(truth, trial.without)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # before the scorer's own
    events = sightings.of(known.of)
    return [
        {
            "contender": name,
            "preset": trial.preset,
            "seed": trial.seed,
            "events": sightings.records,
            "lost": truth["lost"],
            "late": truth["late"],
            "redelivered": truth["redelivered"],
            "accounts": len(truth["accounts"]),
            "cpu_seconds": one.seconds,
            "trial_seconds": elapsed,
            "events_per_second": sightings.records / one.seconds if one.seconds else None,
            "peak_mib": peak if name == HYDRAWATCH else None,
            "score": score_ledger(known, events, ledgers[name]).as_json(),
            "curves": curves(known, events, ledgers[name]),
        }
        for name, one in judged.items()
    ]


def _show(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
