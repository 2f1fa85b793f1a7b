"""`hydrawatch redrive`: dead letters back to where they came from."""

from __future__ import annotations

import asyncio

import msgspec
from rich.table import Table

from detectors.decode.rejects import REASONS
from detectors.errors import ConfigError
from streams.records.redrive import Count, Wanted, redrive, since_ms
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from streams.terminal import console, indented, shown

WORDS = {
    "ready": "go back",
    "late": "go back, but are late: they change no closed window",
    "cut": "cannot go back: cut to their head",
    "refused": "cannot go back: this version refuses them too",
    "foreign": "cannot go back: from no topic that these settings name",
    "repeated": "were set aside more than once: one of each goes back",
}


def run(settings: Settings, reasons: list[str], since: str | None, yes: bool, as_json: bool) -> int:
    """Count, and send if `yes`; 1 if letters that were asked for cannot go back."""
    unknown = sorted(set(reasons) - set(REASONS))
    if unknown:
        raise ConfigError(f"--reason is {unknown[0]!r}; it takes one of {', '.join(REASONS)}")
    wanted = Wanted(frozenset(reasons), since_ms(since) if since else 0)
    count = asyncio.run(redrive(settings, configured(settings), wanted, send=yes))
    if as_json:
        indented({**msgspec.to_builtins(count), "dry_run": not yes})
    else:
        _print(count, yes)
    return 1 if count.left_behind else 0


def _print(count: Count, yes: bool) -> None:
    out = console(soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    for fate, number in count.fates.items():
        if number:
            table.add_row(f"{number:,}", WORDS[fate])
    out.print(table)
    by_reason = ", ".join(f"{shown(reason)} {number:,}" for reason, number in count.reasons.items())
    out.print(f"by reason: {by_reason}" if by_reason else "no letter is of that kind")
    if yes:
        out.print(f"{count.sent:,} sent back")
    else:
        out.print("nothing was sent: give --yes to send them back")
