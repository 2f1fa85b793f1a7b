"""The scoreboard as tables, for a terminal (rich) and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.judging.intervals import Estimate
from benchmarks.judging.summary import Outcome, by_contender, by_look_alike, by_scenario
from worlds.scoring.grid import CLUSTERS, DETECTION, HARM, NOTHING, Column, Grid, headline
from worlds.scoring.who import GREY

COST = (
    Column("events_per_second", "events / CPU s", ",.0f"),
    Column("peak_mib", "peak MiB", ",.0f"),
)


def grids(preset: str, outcomes: Sequence[Outcome]) -> Iterator[Grid]:
    """The tables of one preset."""
    figures = by_contender(outcomes)
    attacked = any(o["score"]["campaigns"] for o in outcomes)
    if attacked:
        yield headline(f"{preset}: what was found, and when", DETECTION, figures, cell)
    yield headline(f"{preset}: who was accused", HARM, figures, cell)
    yield headline(f"{preset}: campaigns, alerts, cost", (*CLUSTERS, *COST), figures, cell)
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


def _pair(figures: Mapping[str, Estimate | None] | None) -> str:
    recall = figures and figures["recall"]
    leaked = figures and figures["before_alert"]
    if not recall or not leaked:
        return NOTHING
    return f"{recall.mean:.2f} / {leaked.mean:.2f}"
