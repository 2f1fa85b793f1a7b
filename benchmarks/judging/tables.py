"""The scoreboard as tables, for a terminal (rich) and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.judging.intervals import Estimate
from benchmarks.judging.summary import Outcome, by_contender, by_look_alike, by_scenario
from worlds.scoring.who import GREY

NOTHING = "–"


class Column(NamedTuple):
    """A figure's heading, how it is printed, and the bar that the project set for hydrawatch."""

    figure: str
    heading: str
    form: str
    bar: str = ""


DETECTION = (
    Column("campaign_recall", "campaigns found", ".2f", "1"),
    Column("account_recall", "accounts found", ".2f", "≥ 0.95"),
    Column("leak_median", "leaked before alert, median", ".3f", "≤ 0.01"),
    Column("leak_worst", "… worst campaign", ".3f", "≤ 0.05"),
    Column("leak_by_account", "… before account named", ".3f", "≤ 0.05"),
    Column("detect_hours_median", "hours to detect", ".1f", "≤ 6"),
)
HARM = (
    Column("precision_throttle", "precision throttle+", ".3f", "≥ 0.95"),
    Column("precision_verify", "verify+", ".3f", "≥ 0.99"),
    Column("precision_restrict", "restrict+", ".3f", "≥ 0.99"),
    Column("precision_suspend", "suspend", ".3f", "≥ 0.99"),
    Column("false_throttle", "false / 10k / day throttle+", ".2f", "≤ 1"),
    Column("false_verify", "verify+", ".2f"),
    Column("false_restrict", "restrict+", ".2f"),
    Column("false_suspend", "suspend", ".2f", "≤ 0.1"),
)
CLUSTERS = (
    Column("purity", "purity", ".3f", "≥ 0.98"),
    Column("completeness", "completeness", ".3f", "≥ 0.90"),
    Column("ids_per_campaign", "ids / campaign", ".1f", "≤ 3"),
    Column("false_campaigns", "false campaigns / week / 50k", ".2f", "≤ 1"),
    Column("network_news", "records / campaign / day", ".2f", "≤ 5"),
    Column("account_news", "records / account / day", ".2f"),
    Column("retracted_share", "retracted", ".3f", "≤ 0.02"),
    Column("events_per_second", "events / CPU s", ",.0f"),
    Column("peak_mib", "peak MiB", ",.0f"),
)


class Grid(NamedTuple):
    """A titled table of text."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def grids(preset: str, outcomes: Sequence[Outcome]) -> Iterator[Grid]:
    """The tables of one preset."""
    figures = by_contender(outcomes)
    attacked = any(o["score"]["campaigns"] for o in outcomes)
    if attacked:
        yield _headline(f"{preset}: what was found, and when", DETECTION, figures)
    yield _headline(f"{preset}: who was accused", HARM, figures)
    yield _headline(f"{preset}: campaigns, alerts, cost", CLUSTERS, figures)
    names = tuple(figures)
    if attacked:
        yield Grid(
            f"{preset}: accounts found / requests leaked before the first alert, by attack",
            ("attack", *names),
            tuple(
                (code, *(_pair(cells.get(n)) for n in names))
                for code, cells in by_scenario(outcomes).items()
            ),
        )
    yield Grid(
        f"{preset}: accusations (throttle+) per 10,000 accounts of the class and day",
        ("look-alike", *names),
        tuple(
            (code + (" (grey)" if code in GREY else ""), *(cell(c.get(n), ".1f") for n in names))
            for code, c in by_look_alike(outcomes, "throttle").items()
        ),
    )


def show(console: Console, grid: Grid) -> None:
    """Print a table on a terminal."""
    table = Table(title=grid.title, title_justify="left", header_style="bold")
    for at, heading in enumerate(grid.head):
        table.add_column(
            heading, justify="right" if at else "left", no_wrap=not at, overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*row)
    console.print(table)


def markdown(grid: Grid) -> str:
    """Write a table as Markdown."""
    lines = [f"### {grid.title}", "", "| " + " | ".join(grid.head) + " |"]
    lines.append("|---" + "|---:" * (len(grid.head) - 1) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in grid.rows]
    return "\n".join(lines) + "\n"


def cell(found: Estimate | None, form: str) -> str:
    """A mean with its half-width, as `0.93 ± 0.02`."""
    if found is None:
        return NOTHING
    mean = format(found.mean, form)
    return mean if found.half is None else f"{mean} ± {format(found.half, form)}"


def _headline(
    title: str, columns: Sequence[Column], figures: Mapping[str, Mapping[str, Estimate | None]]
) -> Grid:
    rows = [
        (name, *(cell(of[column.figure], column.form) for column in columns))
        for name, of in figures.items()
    ]
    rows.append(("bar", *(column.bar for column in columns)))
    return Grid(title, ("", *(column.heading for column in columns)), tuple(rows))


def _pair(figures: Mapping[str, Estimate | None] | None) -> str:
    recall = figures and figures["recall"]
    leaked = figures and figures["before_alert"]
    if not recall or not leaked:
        return NOTHING
    return f"{recall.mean:.2f} / {leaked.mean:.2f}"
