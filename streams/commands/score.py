"""`hydrawatch score`: what a file of alerts is worth, held against a simulated world's truth."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from detectors.errors import ConfigError, HydrawatchError
from streams.records.event_files import GZIP, read_chunks
from streams.records.progress import watched
from worlds.score import Score, score_ledger
from worlds.scoring.alert_records import alert_records
from worlds.scoring.belonging import check, mixed
from worlds.scoring.grid import (
    CLUSTERS,
    DETECTION,
    HARM,
    Grid,
    headline,
    number,
    show,
    wide_console,
)
from worlds.scoring.ledger import Ledger, read
from worlds.scoring.sightings import Sightings
from worlds.scoring.who import GREY, Who, who


def run(events: str, truth: str, alerts: str, as_json: bool) -> int:
    """Score the alerts and print it; 0. Raises HydrawatchError where the files make no score."""
    if events == alerts == "-":
        raise ConfigError("--events - and --alerts -: standard input is one of them, not both")
    facts, known = _truth(truth)
    ledger = _alerts(alerts)
    seen = _events(events, as_json)
    try:
        check(facts, seen, ledger)
    except ValueError as error:
        raise HydrawatchError(f"{events}, {truth}, {alerts}: {error}") from error
    score = score_ledger(known, seen.of(known.of), ledger)
    unsure = mixed(facts, score)
    if as_json:
        found = {"events": seen.records, "accounts": len(facts["accounts"]), "mixed": unsure}
        sys.stdout.write(orjson.dumps(found | {"score": score.as_json()}).decode() + "\n")
        return 0
    console = wide_console()
    for grid in grids(score):
        show(console, grid)
    if unsure:
        console.print(
            f"Of {', '.join(unsure)}, all that its accounts sent since its first request counts as "
            "the campaign's: they serve others too, and a file does not say which request is whose.",
            highlight=False,
        )
    return 0


def grids(score: Score) -> Iterator[Grid]:
    """The scoreboard's tables, of one world: what docs/scoreboard.md explains."""
    figures = {"alerts": score.figures()}
    if score.campaigns:
        yield headline("what was found, and when", DETECTION, figures, number)
    yield headline("who was accused", HARM, figures, number)
    yield headline("campaigns and alerts", CLUSTERS, figures, number)
    if score.campaigns:
        yield Grid(
            "by campaign",
            (
                *("campaign", "attack", "accounts", "accounts found", "leaked before alert"),
                *("… before account named", "hours to detect", "ids"),
            ),
            tuple(
                (
                    *(c.campaign, c.scenario, str(c.accounts), number(c.recall, ".2f")),
                    *(number(c.before_alert, ".3f"), number(c.before_named, ".3f")),
                    *(number(c.detect_hours, ".1f"), str(c.ids)),
                )
                for c in score.campaigns
            ),
        )
    yield Grid(
        "accusations (throttle+) by look-alike",
        ("look-alike", "accounts", "accused", "per 10,000 accounts of the class and day"),
        tuple(
            (
                code + (" (grey)" if code in GREY else ""),
                *(str(one.accounts), str(one.named["throttle"])),
                number(one.rate["throttle"], ".1f"),
            )
            for code, one in score.harm.look_alikes.items()
        ),
    )


def _truth(path: str) -> tuple[dict[str, Any], Who]:
    try:
        raw = Path(path).read_bytes()
        facts = orjson.loads(gzip.decompress(raw) if raw.startswith(GZIP) else raw)
        return facts, who(facts)
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        raise HydrawatchError(f"--truth {path}: cannot be read: {why}") from error
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise HydrawatchError(
            f"--truth {path}: is no truth of a world; give what `hydrawatch simulate --truth` wrote"
        ) from error
    except ValueError as error:
        raise HydrawatchError(f"--truth {path}: {error}") from error


def _alerts(path: str) -> Ledger:
    try:
        return read(alert_records(line for lines in read_chunks(path) for line in lines))
    except ValueError as error:
        raise HydrawatchError(f"--alerts {path}: {error}") from error


def _events(path: str, quiet: bool) -> Sightings:
    seen = Sightings()
    with watched("score", lambda: seen.records, quiet) as moved:
        for values in read_chunks(path, progress=moved):
            seen.take(values)
    return seen
