"""The benign world beside public traces: how far apart are rate, burstiness, length and time of day?

Overlays the distributions in one picture and prints a distance for each: the Kolmogorov-Smirnov
distance (0 to 1) and the Wasserstein distance over the trace's standard deviation. The traces stay
where they are: --data DIR holds servegen/client_rates.csv.gz (ServeGen), azure_llm_2023/ and
mooncake/ (see docs/worlds.md for sources and licences).

What can be compared is compared; what cannot is shifted, and said so: the traces' clients are
large ones (medians of 10^5 requests a day), so rates are compared about their medians; their clock
is in an unknown zone, so hours are compared at the best of 24 shifts.

Example: python benchmarks/realism.py --data ../traces --plot realism.png
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from worlds.clock import DAY_MS, HOUR_MS, MACHINE
from worlds.laws import CONTEXT_IN, CONVERSATION_IN
from worlds.presets import preset
from worlds.simulation import Simulation

Column = npt.NDArray[np.float64]
END_MS = 1_780_272_000_000  # a Monday, 2026-06-01
BIN_S = 600  # as the trace's
LEAST_IN_BIN = 20  # requests from which a CV says something


@dataclass(frozen=True)
class Pair:
    """One thing to compare: the trace's values, the world's, and how the axis reads."""

    name: str
    unit: str
    trace: Column
    world: Column
    note: str = ""

    def distances(self) -> dict[str, float]:
        """Give the KS distance, and the Wasserstein distance over the trace's deviation."""
        points = np.sort(np.concatenate([self.trace, self.world]))
        gap = np.abs(_share(self.trace, points) - _share(self.world, points))
        wasserstein = float((gap[:-1] * np.diff(points)).sum()) / float(self.trace.std())
        return {"ks": float(gap.max()), "wasserstein": wasserstein}


def _share(values: Column, points: Column) -> Column:
    result: Column = np.searchsorted(np.sort(values), points, side="right") / len(values)
    return result


def rows_of(path: Path) -> list[list[str]]:
    """Read a gzipped CSV file without its head."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        return list(csv.reader(text))[1:]


def clients_of(data: Path) -> dict[str, Column]:
    """ServeGen: each client's log mean rate, the CVs of its bins, and its share of each hour."""
    rows = rows_of(data / "servegen" / "client_rates.csv.gz")
    names: dict[tuple[str, str], int] = {}
    client = np.array([names.setdefault((r[0], r[1]), len(names)) for r in rows])
    time = np.array([float(r[2]) for r in rows])
    rate, cv = np.array([float(r[3]) for r in rows]), np.array([float(r[4]) for r in rows])
    hours = np.zeros((len(names), 24))
    np.add.at(hours, (client, (time // 3600 % 24).astype(np.int64)), rate)
    return {
        "rate": np.log(hours.sum(axis=1)),
        "cv": cv,
        "hours": (hours / hours.sum(axis=1, keepdims=True)).mean(axis=0),
    }


def lengths_of(data: Path) -> dict[str, Column]:
    """Logs of the token counts of the two traces, read and written."""
    azure = rows_of(data / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv.gz")
    with gzip.open(data / "mooncake" / "conversation_first_half.jsonl.gz", "rt") as text:
        context = [json.loads(line) for line in text]
    return {
        "conversation in": np.log([max(1, int(r[1])) for r in azure]),
        "conversation out": np.log([max(1, int(r[2])) for r in azure]),
        "context in": np.log([max(1, r["input_length"]) for r in context]),
        "context out": np.log([max(1, r["output_length"]) for r in context]),
    }


def world_of(accounts: int, days: float, seed: int) -> dict[str, Column]:
    """Simulate the calm world; give the same columns as the traces."""
    world = Simulation(preset("calm", scale=accounts / 20_000, days=days), seed, END_MS)
    rows = np.concatenate([part[~part["again"]] for part in world.rows()])
    actors = world.cast.actors[rows["actor"]]
    ordinary = actors["account"] < world.spec.accounts
    conversation = ordinary & (actors["input_law"] == CONVERSATION_IN.shape) & (rows["status"] == 0)
    context = ordinary & (actors["input_law"] == CONTEXT_IN.shape) & (rows["status"] == 0)
    machine = ordinary & (actors["rhythm"] == MACHINE)
    return {
        "rate": np.log(
            np.bincount(actors["account"][machine])[np.unique(actors["account"][machine])]
        ),
        "cv": bin_cvs(actors["account"][machine], rows["time"][machine]),
        "hours": np.bincount(rows["time"][ordinary] % DAY_MS // HOUR_MS, minlength=24)
        / ordinary.sum(),
        "conversation in": np.log(rows["input"][conversation]),
        "conversation out": np.log(np.maximum(rows["output"][conversation], 1)),
        "context in": np.log(rows["input"][context]),
        "context out": np.log(np.maximum(rows["output"][context], 1)),
    }


def bin_cvs(account: Any, time: Any) -> Column:
    """CVs of the times between requests, per account and bin of ten minutes with enough of them."""
    order = np.lexsort((time, account))
    account, time = account[order], time[order] / 1000
    bins = account.astype(np.int64) * 10_000_000 + (time // BIN_S).astype(np.int64)
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    sizes = np.diff(starts, append=len(bins))
    cvs = []
    for start, size in zip(
        starts[sizes >= LEAST_IN_BIN], sizes[sizes >= LEAST_IN_BIN], strict=True
    ):
        gaps = np.diff(time[start : start + size])
        cvs.append(gaps.std() / gaps.mean())
    return np.array(cvs)


def best_shift(trace: Column, world: Column) -> int:
    """The number of hours by which the trace's day must turn to lie nearest to the world's."""
    return int(np.argmin([np.abs(np.roll(trace, shift) - world).sum() for shift in range(24)]))


def pairs(data: Path, accounts: int, days: float, seed: int) -> tuple[list[Pair], dict[str, Any]]:
    """Compare everything; and the two profiles of the day, which are shares, not samples."""
    trace = {**clients_of(data), **lengths_of(data)}
    world = world_of(accounts, days, seed)
    centred = {side: values - np.median(values) for side, values in
               (("trace", trace["rate"]), ("world", world["rate"]))}  # fmt: skip
    found = [
        Pair("rate of automated clients", "log of requests, about the median",
             centred["trace"], centred["world"], "medians differ by construction"),
        Pair("burstiness of automated clients", "log CV between requests, 10 minutes",
             np.log(trace["cv"]), np.log(world["cv"]), f"bins of {LEAST_IN_BIN} requests and more"),
        *(
            Pair(f"tokens: {name}", "log tokens", trace[name], world[name])
            for name in ("conversation in", "conversation out", "context in", "context out")
        ),
    ]  # fmt: skip
    shift = best_shift(trace["hours"], world["hours"])
    hours = {"trace": np.roll(trace["hours"], shift), "world": world["hours"], "shift": shift}
    return found, hours


def draw(found: list[Pair], hours: dict[str, Any], target: Path) -> None:
    """Overlay all of it in one picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 4, figsize=(18, 8), layout="constrained")
    for panel, pair in zip(panels.flat, found, strict=False):
        low, high = np.quantile(np.concatenate([pair.trace, pair.world]), (0.002, 0.998))
        edges = np.linspace(low, high, 50)
        for values, name in ((pair.trace, "public trace"), (pair.world, "simulated")):
            panel.hist(values, edges, density=True, alpha=0.5, label=f"{name}, n={len(values):,}")
        distance = pair.distances()
        panel.set_title(
            f"{pair.name}\nKS {distance['ks']:.2f}, Wasserstein {distance['wasserstein']:.2f} s.d."
        )
        panel.set_xlabel(pair.unit + (f" ({pair.note})" if pair.note else ""), fontsize=8)
        panel.legend(fontsize=8)
    day = panels.flat[len(found)]
    day.step(range(24), hours["trace"], where="mid", label="public trace, mean client")
    day.step(range(24), hours["world"], where="mid", label="simulated")
    day.set_ylim(0)
    day.set_title(f"hour of day\ntotal variation {variation(hours):.2f}")
    day.set_xlabel(f"hour, UTC (trace turned by {hours['shift']} h)", fontsize=8)
    day.legend(fontsize=8)
    for panel in panels.flat[len(found) + 1 :]:
        panel.axis("off")
    figure.savefig(target, dpi=90)


def variation(hours: dict[str, Any]) -> float:
    """Total variation between the two profiles of the day: 0 equal, 1 disjoint."""
    return float(np.abs(hours["trace"] - hours["world"]).sum() / 2)


def main() -> int:
    """Parse, compare, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the public traces")
    parser.add_argument(
        "--accounts", type=int, default=6_000, help="ordinary accounts (%(default)s)"
    )
    parser.add_argument("--days", type=float, default=7.0, help="days (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="write the picture here (.png)")
    parser.add_argument("--json", action="store_true", help="distances as JSON on stdout")
    wanted = parser.parse_args()
    if not (wanted.data / "servegen").is_dir():
        parser.error(f"--data {wanted.data}: no folder servegen in it; it takes the traces' folder")
    found, hours = pairs(wanted.data, wanted.accounts, wanted.days, wanted.seed)
    result: dict[str, dict[str, float]] = {pair.name: pair.distances() for pair in found}
    result["hour of day"] = {"total_variation": variation(hours), "shift_hours": hours["shift"]}
    if wanted.plot:
        draw(found, hours, wanted.plot)
    if wanted.json:
        print(json.dumps(result, indent=2))
    else:
        for name, distance in result.items():
            print(f"{name:<28}" + "  ".join(f"{k} {v:.3f}" for k, v in distance.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
