"""`hydrawatch score`: what a file of alerts is worth, held against a simulated world's truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from detectors.decode.decoder import Decoder
from detectors.errors import ConfigError, HydrawatchError
from streams.records.appearance import Sight, looks_like, unreadable
from streams.records.event_files import read_chunks, read_small
from streams.records.progress import watched
from streams.terminal import JsonLines, shown
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

MOST_TRUTH = 4 << 30
FIRST_LINES = 1000


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
        JsonLines().write(orjson.dumps(found | {"score": score.as_json()}))
        return 0
    console = wide_console()
    for grid in grids(score):
        show(console, grid._replace(rows=tuple(tuple(map(shown, row)) for row in grid.rows)))
    if unsure:
        console.print(
            f"Of {shown(', '.join(unsure))}, all that its accounts sent since its first request counts as "
            "the campaign's: they serve others too, and a file does not say which request is whose."
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
        facts = orjson.loads(read_small(path, MOST_TRUTH))
        return facts, who(facts)
    except OSError as error:
        why = error.strerror or error
        raise HydrawatchError(f"--truth {path}: cannot be read: {why}") from error
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise HydrawatchError(
            f"--truth {path}: is no truth of a world; give what `hydrawatch simulate --truth` wrote"
        ) from error
    except ValueError as error:
        raise HydrawatchError(f"--truth {path}: {error}") from error


def _alerts(path: str) -> Ledger:
    sight = Sight()
    try:
        return read(
            alert_records(line for lines in read_chunks(path, sight=sight) for line in lines)
        )
    except ValueError as error:
        said = f"--alerts {path}: {error}"
        raise HydrawatchError(". ".join(filter(None, (said, looks_like(sight))))) from error


def _events(path: str, quiet: bool) -> Sightings:
    seen, sight = Sightings(), Sight()
    with watched("score", lambda: seen.records, quiet) as moved:
        for values in read_chunks(path, progress=moved, sight=sight):
            if not seen.records:
                _refuse_rubbish(path, values[:FIRST_LINES], sight)
            seen.take(values)
    return seen


def _refuse_rubbish(path: str, values: list[bytes], sight: Sight) -> None:
    """A file that begins without any event is of another kind than asked for."""
    decoded = Decoder(bytes(16)).decode(values)
    rejected = decoded.rejected
    first = rejected[0] if rejected else None
    if wrong := unreadable(path, len(decoded.events), len(rejected), first, sight):
        raise HydrawatchError(f"--events {wrong}")
