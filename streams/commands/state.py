"""`hydrawatch state`: what is kept of the stages, and forgetting it."""

from __future__ import annotations

import asyncio
import time

import msgspec
from rich.table import Table

from streams.bulk.gone import what_follows
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from streams.state import inspect
from streams.state.inspect import KeptStage
from streams.terminal import console, indented, shown


def show(settings: Settings, as_json: bool) -> int:
    """Print what is kept of every stage; 1 if a worker of this configuration could not use it."""
    loaded = configured(settings)
    with console(stderr=True).status("reading the kept state") as status:

        def progress(size: int) -> None:
            status.update(f"reading the kept state: {size / 1e6:,.0f} MB")

        stages = asyncio.run(inspect.look(settings, loaded, progress))
    if as_json:
        indented([msgspec.to_builtins(stage) for stage in stages])
    else:
        console().print(_table(stages))
        for stage in stages:
            if stage.problem:
                console(stderr=True, soft_wrap=True).print(
                    shown(f"{stage.stage} {stage.partition}: {stage.problem}")
                )
            elif gone := stage.gone(settings):
                console(stderr=True, soft_wrap=True).print(
                    shown(
                        f"{stage.stage} {stage.partition}: {gone}; {what_follows(gone, settings.on_loss)}"
                    )
                )
    unusable = any(stage.problem for stage in stages)
    stopped = settings.on_loss == "stop" and any(stage.lost for stage in stages)
    return 1 if unusable or stopped else 0


def reset(settings: Settings, yes: bool, as_json: bool) -> int:
    """Forget what is kept, if `yes`; 2 and a word on what would happen without it."""
    if not yes:
        said = (
            f"this forgets the kept state of every stage in topic {settings.state_topic}; workers "
            f"then read {settings.requests_topic} from its beginning, and what its retention has "
            "deleted is gone from windows and baselines. Look at it with `hydrawatch state show`, "
            "and give --yes to do it"
        )
        console(stderr=True, soft_wrap=True).print(said)
        return 2
    how = asyncio.run(inspect.reset(settings))
    if as_json:
        indented({"topic": settings.state_topic, "how": how})
    else:
        console(soft_wrap=True).print(f"{settings.state_topic}: {how}; nothing is kept now")
    return 0


def _table(stages: list[KeptStage]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("stage", "partition", "kept"):
        table.add_column(title)
    for title in ("goes on at", "entries", "log MB", "state MB"):
        table.add_column(title, justify="right")
    table.add_column("")
    now = time.time()
    for one in stages:
        if one.kept_at is None:
            table.add_row(one.stage, str(one.partition), "nothing", "", "", "", "", _use(one))
            continue
        table.add_row(
            one.stage,
            str(one.partition),
            f"{_age(now - one.kept_at / 1000)} ago",
            f"{one.next_offset:,}",
            f"{one.entries:,}",
            f"{one.bytes / 1e6:,.1f}",
            f"{one.state_bytes / 1e6:,.1f}",
            _use(one),
        )
    return table


def _use(stage: KeptStage) -> str:
    if stage.problem:
        return "cannot be used"
    return f"{stage.lost:,} records gone unread" if stage.lost else ""


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
