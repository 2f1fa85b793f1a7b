"""Three plots of the scoreboard: leaks over time, false positives by look-alike, recall by share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.ticker

mpl.use("Agg")  # files only, wherever it runs

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.judging.contenders import HYDRAWATCH
from benchmarks.judging.summary import Outcome, by_look_alike, grouped, in_order
from worlds.scoring.who import GREY

PANELS_ACROSS = 4
MADE, LEAKED, OTHER, ALERT = "#9a9a9a", "#c1272d", "#1f6fb2", "#2f7d32"
MARKERS = "osD^v<>PX*"
# shares in per cent: the figure, its label, the axis
OF_THE_WORLD = ("share_of_traffic", "campaign's share of all requests, %", (0.001, 100))
OF_ITS_ACCOUNTS = ("share_of_accounts", "campaign's share of its accounts' requests, %", (1, 120))
QUIETEST = 0.1  # the least rate that the colours tell apart


def draw(presets: Mapping[str, Sequence[Outcome]], directory: Path) -> list[Path]:
    """Draw what each preset's outcomes allow; gives the files written."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for preset, outcomes in presets.items():
        for name, figure in (
            ("leaks", _leaks(preset, outcomes)),
            ("false-positives", _false_positives(preset, outcomes)),
            ("recall-by-share", _recall(preset, outcomes, *OF_THE_WORLD)),
            ("recall-by-dilution", _recall(preset, outcomes, *OF_ITS_ACCOUNTS)),
        ):
            if figure is None:
                continue
            path = directory / f"{Path(preset).stem}-{name}.png"
            figure.savefig(path, dpi=110)
            plt.close(figure)
            written.append(path)
    return written


def _leaks(preset: str, outcomes: Sequence[Outcome]) -> Any:
    """A panel per campaign of the first seed: made, leaked, first alert, accounts named."""
    first = [o for o in outcomes if o["seed"] == outcomes[0]["seed"]]
    shown = {o["contender"]: o["curves"] for o in first}
    main = HYDRAWATCH if HYDRAWATCH in shown else first[0]["contender"]
    campaigns = sorted(shown[main].items(), key=lambda item: in_order(item[1]["scenario"]))
    if not campaigns:
        return None
    rival = _best_baseline(first)
    down = math.ceil(len(campaigns) / PANELS_ACROSS)
    across = min(PANELS_ACROSS, len(campaigns))
    figure, axes = plt.subplots(
        down, across, figsize=(4.2 * across, 2.9 * down + 0.9), squeeze=False, layout="constrained"
    )
    for panel in axes.flat[len(campaigns) :]:
        panel.set_axis_off()
    for panel, (name, curve) in zip(axes.flat, campaigns, strict=False):
        days = np.array(curve["hours"]) / 24
        panel.plot(days, curve["made"], color=MADE, lw=1.2, label="requests made")
        if rival is not None and name in shown[rival]:
            other = shown[rival][name]
            panel.plot(
                np.array(other["hours"]) / 24,
                other["leaked"],
                color=OTHER,
                lw=1.2,
                ls="--",
                label=f"leaked, {rival}",
            )
        panel.plot(days, curve["leaked"], color=LEAKED, lw=2, label=f"leaked, {main}")
        named = np.flatnonzero(curve["alerts"])
        if len(named):  # an empty line would still claim room in the layout
            depth = np.full(len(named), -0.06)
            panel.plot(days[named], depth, "|", color=ALERT, ms=6, label="accounts named")
        if curve["first_alert_hours"] is not None:
            panel.axvline(curve["first_alert_hours"] / 24, color=ALERT, lw=1, label="first alert")
        panel.set_title(f"{curve['scenario']}   {name}", fontsize=9, loc="left")
        panel.set_ylim(-0.1, 1.04)
        panel.set_xlabel("days since its first request", fontsize=8)
        panel.set_ylabel("share of its requests", fontsize=8)
        panel.tick_params(labelsize=8)
    handles, labels = _handles(axes)
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=2 if across < 3 else 5,
        frameon=False,
        fontsize=9,
    )
    return figure


def _false_positives(preset: str, outcomes: Sequence[Outcome]) -> Any:
    """Accusations per 10,000 accounts and day: a cell per look-alike and contender."""
    rows = by_look_alike(outcomes, "throttle")
    names = list(grouped(outcomes, lambda o: o["contender"]))
    rates = np.array(
        [[found.mean if (found := row.get(n)) else np.nan for n in names] for row in rows.values()]
    )
    figure, panel = plt.subplots(
        figsize=(1.15 * len(names) + 2.4, 0.32 * len(rows) + 1.9), layout="constrained"
    )
    shade = np.log10(np.maximum(rates, QUIETEST / 3) / QUIETEST)
    panel.imshow(np.ma.masked_less(shade, 0), aspect="auto", cmap="YlOrRd", vmin=0, vmax=4)
    for row, column in np.ndindex(*rates.shape):
        value = rates[row, column]
        text = "–" if np.isnan(value) else f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
        dark = value > 300
        panel.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "#999999" if value == 0 else "black",
        )
    panel.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=9)
    panel.set_yticks(
        range(len(rows)), [c + (" (grey)" if c in GREY else "") for c in rows], fontsize=9
    )
    panel.set_title(
        f"{preset}: accusations (throttle or above)\nper 10,000 accounts of the class and day",
        fontsize=10,
        loc="left",
    )
    return figure


def _recall(
    preset: str, outcomes: Sequence[Outcome], share: str, label: str, limits: tuple[float, float]
) -> Any:
    """A point per campaign and seed: accounts found against a share of requests."""
    if not any(o["score"]["campaigns"] for o in outcomes):
        return None
    names = [
        name
        for name, theirs in grouped(outcomes, lambda o: o["contender"]).items()
        if any(c["named"] for o in theirs for c in o["score"]["campaigns"])
    ]
    across = min(PANELS_ACROSS, max(1, len(names)))
    down = math.ceil(max(1, len(names)) / across)
    figure, axes = plt.subplots(
        down,
        across,
        figsize=(3.8 * across, 2.9 * down + 0.6),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for panel in axes.flat[len(names) :]:
        panel.set_axis_off()
    codes = sorted({c["scenario"] for o in outcomes for c in o["score"]["campaigns"]}, key=in_order)
    for panel, name in zip(axes.flat, names, strict=False):
        theirs = [c for o in outcomes if o["contender"] == name for c in o["score"]["campaigns"]]
        by_code = grouped(theirs, lambda c: c["scenario"])
        for at, code in enumerate(codes):
            if not (campaigns := by_code.get(code)):
                continue
            panel.plot(
                [max(100 * c[share], limits[0]) for c in campaigns],
                [c["named"] / max(1, c["accounts"]) for c in campaigns],
                MARKERS[at % len(MARKERS)],
                color=plt.cm.tab20(at % 20),
                ms=6,
                label=code,
                clip_on=False,
                mec="white",
                mew=0.4,
            )
        panel.set_xscale("log")
        panel.set_xlim(*limits)
        panel.xaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        panel.set_ylim(0, 1)
        panel.grid(alpha=0.25)
        panel.set_title(_with_precision(name, outcomes), fontsize=10, loc="left")
        panel.set_xlabel(label, fontsize=8)
        panel.set_ylabel("its accounts found", fontsize=8)
        panel.tick_params(labelsize=8)
    handles, labels = _handles(axes)
    figure.suptitle(f"{preset}: accounts found by the attack's share", fontsize=11)
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    return figure


def _best_baseline(outcomes: Sequence[Outcome]) -> str | None:
    """The baseline with the best F1 over accounts: one that accuses everybody lets nothing through."""
    others = [o for o in outcomes if o["contender"] != HYDRAWATCH]
    if not others:
        return None
    return str(max(others, key=_f1)["contender"])


def _f1(outcome: Outcome) -> float:
    figures = outcome["score"]["figures"]
    precision, recall = figures["precision_throttle"] or 0.0, figures["account_recall"] or 0.0
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _with_precision(name: str, outcomes: Sequence[Outcome]) -> str:
    """The contender's name, and how many of those it accused were attackers: recall alone misleads."""
    known = [
        o["score"]["figures"]["precision_throttle"]
        for o in outcomes
        if o["contender"] == name and o["score"]["figures"]["precision_throttle"] is not None
    ]
    return f"{name}, precision {np.mean(known):.2f}" if known else name


def _handles(axes: Any) -> tuple[list[Any], list[str]]:
    found: dict[str, Any] = {}
    for panel in axes.flat:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
