"""The scoreboard: simulated worlds replayed to hydrawatch and to baselines, and scored.

    python benchmarks/scoreboard.py                                  # quick look: preset quick, one seed
    python benchmarks/scoreboard.py --preset standard --seeds 3      # tuning: held-out scenarios unseen
    python benchmarks/scoreboard.py --preset standard --preset evasive --preset calm --seeds 5 --judge \
        --json out/board.json --markdown out/board.md --plots out

Each trial is a process of its own: it generates a world (END_MS is fixed, so a preset and a seed
are always the same world), hands its slices to a contender, hands the alerts back to the world for
attackers who adapt, and scores. What the figures mean: docs/scoreboard.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.judging import split
from benchmarks.judging.arguments import add_sizes, sizes
from benchmarks.judging.contenders import BASELINES, HYDRAWATCH, NAMES, thresholds
from benchmarks.judging.summary import (
    SOLVED_PRECISION,
    SOLVED_RECALL,
    Outcome,
    as_json,
    grouped,
    solved,
)
from benchmarks.judging.tables import grids, markdown
from benchmarks.judging.trial import Trial, run_apart
from detectors.config import VERSION
from detectors.errors import HydrawatchError
from worlds.presets import PRESETS
from worlds.scoring.grid import show, wide_console

NOTHING_NOTE = "– where no seed has the figure"


def main() -> int:
    """Run the trials asked for and print the scoreboard; 2 where the arguments make no world."""
    given = _parsed()
    try:
        return _board(given)
    except (HydrawatchError, ValueError, OSError) as error:
        print(f"benchmarks/scoreboard.py: {error}", file=sys.stderr)
        return 2


def _board(given: argparse.Namespace) -> int:
    console = wide_console()
    seeds = (split.JUDGING_SEEDS if given.judge else split.TUNING_SEEDS)[: given.seeds]
    without = () if given.judge else tuple(sorted(split.HELD_OUT))
    if given.plots:
        from benchmarks.judging.plots import draw  # fails now rather than after the trials
    outcomes: list[Outcome] = []
    for preset in given.preset or ["quick"]:
        for seed in seeds:
            trial = Trial(preset, seed, (), without, sizes(given), given.config)
            outcomes += _trials(trial, given.contenders, given.together)
            _save(given.json, outcomes, seeds, given)
    presets = grouped(outcomes, lambda o: o["preset"])
    tables = [grid for preset, theirs in presets.items() for grid in grids(preset, theirs)]
    for grid in tables:
        show(console, grid)
    said = "\n\n".join([*_too_easy(presets), _method(seeds, given)])
    console.print(said, highlight=False)
    if given.markdown:
        text = "\n".join(markdown(grid) for grid in tables)
        Path(given.markdown).write_text(f"{text}\n{said}\n", encoding="utf-8")
    if given.plots:
        for path in draw(presets, given.plots):
            console.print(f"plot: {path}", highlight=False)
    return 0


def _trials(trial: Trial, names: list[str], together: bool) -> Iterator[Outcome]:
    """All contenders on one world: hydrawatch alone, the baselines together where nobody adapts."""
    baselines = [name for name in names if name != HYDRAWATCH]
    if HYDRAWATCH in names:
        yield from run_apart(replace(trial, contenders=(HYDRAWATCH,)))
    if baselines and (together or not trial.adapts):
        yield from run_apart(replace(trial, contenders=tuple(baselines)))
    else:
        for name in baselines:
            yield from run_apart(replace(trial, contenders=(name,)))


def _too_easy(presets: Mapping[str, list[Outcome]]) -> Iterator[str]:
    """Say for each world with attacks what a baseline solves."""
    for preset, outcomes in presets.items():
        if any(o["score"]["campaigns"] for o in outcomes):
            easy = [f"{code} by {who}" for who, code in solved(outcomes) if who != HYDRAWATCH]
            yield (
                f"Solved by a baseline on {preset} (accounts found at least {SOLVED_RECALL} at a precision "
                f"of at least {SOLVED_PRECISION}): {', '.join(easy) or 'none'}."
            )


def _method(seeds: tuple[int, ...], given: argparse.Namespace) -> str:
    purpose = "judging" if given.judge else "tuning"
    held = "all scenarios" if given.judge else f"without {', '.join(sorted(split.HELD_OUT))}"
    spread = "mean ± half of Student's 95 % interval over seeds" if len(seeds) > 1 else "one seed"
    chosen = ", ".join(f"{name} {value}" for name, value in thresholds(given.contenders).items())
    return (
        f"Seeds for {purpose}: {', '.join(map(str, seeds))}; {held}; {spread}; {NOTHING_NOTE}. "
        f"Baselines' thresholds, set on tuning seeds only: {chosen or 'none run'}. "
        "All figures are of simulated worlds."
    )


def _save(
    path: str | None, outcomes: list[Outcome], seeds: tuple[int, ...], given: argparse.Namespace
) -> None:
    """After every world, so that a run cut short leaves what it has."""
    if not path:
        return
    presets = grouped(outcomes, lambda o: o["preset"])
    facts = {
        "version": VERSION,
        "purpose": "judging" if given.judge else "tuning",
        "seeds": seeds,
        "held_out": sorted(split.HELD_OUT),
        "sizes": sizes(given),
        "interval": "Student's t, 95 %, over seeds: [mean, low, high, seeds]",
        "thresholds": {name: tuned.chosen for name, tuned in BASELINES.items()},
        "summary": as_json(presets),
        "trials": outcomes,
    }
    Path(path).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--preset",
        action="append",
        type=_world,
        metavar="NAME",
        help=f"{', '.join(PRESETS)}, or a composition FILE.toml; may be repeated (default: quick)",
    )
    parser.add_argument("--seeds", type=int, default=1, choices=range(1, 6), help="how many")
    parser.add_argument(
        "--judge", action="store_true", help="judging seeds and held-out scenarios; not for tuning"
    )
    parser.add_argument(
        "--contenders",
        type=_names,
        default=list(NAMES),
        help=f"comma-separated, of: {', '.join(NAMES)} (default: all)",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="baselines share one pass even where attackers adapt, who then hear none of them",
    )
    add_sizes(parser)
    parser.add_argument("--config", type=Path, help="detectors.toml for hydrawatch")
    parser.add_argument("--json", help="write everything, curves included, to this file")
    parser.add_argument("--markdown", help="write the tables to this file")
    parser.add_argument("--plots", type=Path, help="write the plots into this directory")
    return parser.parse_args()


def _world(text: str) -> str:
    if text not in PRESETS and not text.endswith(".toml"):
        raise argparse.ArgumentTypeError(f"no preset {text!r}; there are {', '.join(PRESETS)}")
    return text


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in NAMES:
            raise argparse.ArgumentTypeError(f"no contender {name!r}; there are {', '.join(NAMES)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
