"""A score as tables: which figures, under which headings, beside which bars; wherever it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from rich.console import Console
from rich.table import Table

NOTHING = "–"
Figure = TypeVar("Figure")


PIPED_WIDTH = 180


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
)


class Grid(NamedTuple):
    """A titled table of text."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def headline(
    title: str,
    columns: Sequence[Column],
    figures: Mapping[str, Mapping[str, Figure]],
    cell: Callable[[Figure, str], str],
) -> Grid:
    """Make a row for each name, its figures printed by `cell`, and one for the bars."""
    rows = [
        (name, *(cell(of[column.figure], column.form) for column in columns))
        for name, of in figures.items()
    ]
    rows.append(("bar", *(column.bar for column in columns)))
    return Grid(title, ("", *(column.heading for column in columns)), tuple(rows))


def number(value: float | None, form: str) -> str:
    """Print a figure, or that there is none."""
    return NOTHING if value is None else format(value, form)


def wide_console() -> Console:
    """Where tables go: the terminal, or a pipe that is wide enough for them."""
    # Names are of whoever made the world: no markup, and nothing guessed of them.
    plain = {"markup": False, "emoji": False, "highlight": False}
    console = Console(**plain)  # type: ignore[arg-type]
    return console if console.is_terminal else Console(width=PIPED_WIDTH, **plain)  # type: ignore[arg-type]


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
