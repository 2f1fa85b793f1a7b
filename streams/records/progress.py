"""A file's progress while it is read, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from streams.records.event_files import Progress
from streams.terminal import console


@contextmanager
def watched(title: str, records: Callable[[], int], quiet: bool) -> Iterator[Progress | None]:
    """Give what `read_chunks` reports to; None where nobody watches. `records` counts them so far."""
    out = console(stderr=True)
    if quiet or not out.is_terminal:
        yield None
        return
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[events]}"),
        TimeElapsedColumn(),
        console=out,
    ) as bar:
        task = bar.add_task(title, total=None, events="")

        def moved(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, events=f"{records():,} events")

        yield moved
