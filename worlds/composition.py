"""A world of one's own from a TOML file, read strictly: what is wrong is named with the mend.

preset = "calm"              # optional: start from a preset, and add to it
days = 10
accounts = 5000

[arrival]
late = 0.02

[[outage]]
at = 0.7
hours = 2

[[piece]]
kind = "office_nat"          # or its code, "B6"
accounts = 120
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from worlds.catalogue import KIND_OF, PIECES
from worlds.piece import Parameter, Piece
from worlds.presets import PRESETS
from worlds.spec import Chosen, Down, WorldSpec


class CompositionError(ValueError):
    """A composition cannot be used; the message names file, key, value and what is allowed."""


_PLAIN = WorldSpec()
_WORLD = {
    "days": Parameter(_PLAIN.days, 0.05, 400.0, "days of event time"),
    "accounts": Parameter(_PLAIN.accounts, 1, 2_000_000, "ordinary accounts"),
    "seats": Parameter(_PLAIN.seats, 0, 500_000, "seats of ordinary organisations"),
    "release": Parameter(_PLAIN.release, 0.0, 1.0, "when a model comes out, share of the period"),
    "sharing": Parameter(_PLAIN.sharing, 0.0, 3.0, "what people share every day, times the usual"),
    "texts": Parameter(_PLAIN.texts, 0.0, 1.0, "share of frameworks' prompts drawn as text"),
}
_ARRIVAL = {
    "late": Parameter(_PLAIN.late, 0.0, 0.5, "share of events that come late"),
    "late_median_s": Parameter(_PLAIN.late_median_s, 1.0, 86_400.0, "their median lateness, s"),
    "twice": Parameter(_PLAIN.twice, 0.0, 0.5, "share of events that are delivered twice"),
}
_OUTAGE = {
    "at": Parameter(0.5, 0.0, 1.0, "when the collectors go down, share of the period"),
    "hours": Parameter(1.0, 0.01, 240.0, "for how many hours"),
    "lost": Parameter(0.3, 0.0, 1.0, "share of the events of that time that never arrive"),
}
_TABLES = ("arrival", "outage", "piece")


def composed(text: str, source: str = "world.toml") -> WorldSpec:
    """Read a composition. Raises CompositionError."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CompositionError(f"{source}: not TOML: {error}") from error
    _known(given, ("preset", *_WORLD, *_TABLES), "", source)
    spec = _based_on(given.get("preset"), source)
    top = {name: value for name, value in given.items() if name in _WORLD}
    arrival = _table(given.get("arrival", {}), "arrival", source)
    outages = [
        Down(**{"lost": 0.3, **_numbers(table, _OUTAGE, f"outage[{n}].", source)})
        for n, table in enumerate(_tables(given, "outage", source), 1)
        if _has(table, ("at", "hours"), f"outage[{n}]", source)
    ]
    pieces = [
        _piece(table, f"piece[{n}].", source)
        for n, table in enumerate(_tables(given, "piece", source), 1)
    ]
    return replace(
        spec,
        **_numbers(top, _WORLD, "", source),
        **_numbers(arrival, _ARRIVAL, "arrival.", source),
        outages=(*spec.outages, *outages),
        pieces=(*spec.pieces, *pieces),
    )


def read_composition(path: str) -> WorldSpec:
    """Read the composition in a file. Raises CompositionError, also where the file cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CompositionError(f"{path}: cannot be read: it is not UTF-8 text ({error})") from error
    except OSError as error:
        raise CompositionError(f"{path}: cannot be read: {error.strerror or error}") from error
    return composed(text, path)


def of_allowed_size(spec: WorldSpec, asked: Mapping[str, float | None]) -> WorldSpec:
    """Give `spec` back if its sizes are those a file may name; `asked` are the options that changed them.

    Raises CompositionError.
    """
    for name in ("accounts", "seats"):
        limits, value = _WORLD[name], getattr(spec, name)
        if not limits.low <= value <= limits.high:
            options = [f"--{option} {_said(n)}" for option, n in asked.items() if n is not None]
            raise CompositionError(
                f"{' with '.join(options)} makes {value:,} {limits.what}; a world takes "
                f"{limits.low:,} to {limits.high:,}"
            )
    return spec


def _said(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def _based_on(name: Any, source: str) -> WorldSpec:
    if name is None:
        return WorldSpec(preset=None)
    if name not in PRESETS:
        raise CompositionError(f"{source}: 'preset' is {name!r}; it takes {_or(PRESETS)}")
    return replace(PRESETS[name], preset=None)


def _piece(table: Mapping[str, Any], path: str, source: str) -> Chosen:
    kind = table.get("kind")
    kind = KIND_OF.get(kind, kind) if isinstance(kind, str) else kind
    if kind not in PIECES:
        close = get_close_matches(str(kind), [*PIECES, *KIND_OF], n=1, cutoff=0.0)
        raise CompositionError(
            f"{source}: '{path}kind' is {table.get('kind')!r}; it takes the kind or code of a piece: "
            f"did you mean {close[0]!r}? (hydrawatch simulate --list shows them all)"
        )
    given = {name: value for name, value in table.items() if name != "kind"}
    chosen = _numbers(given, PIECES[kind].parameters, path, source)
    _in_order(PIECES[kind], chosen, path, source)
    return Chosen(kind, chosen)


def _in_order(piece: Piece, chosen: Mapping[str, float], path: str, source: str) -> None:
    if piece.bounds is None:
        return
    values, (low, high) = piece.values(chosen), piece.bounds
    if values[low] > values[high]:
        said = [
            f"'{path}{n}' is {values[n]:g}{'' if n in chosen else ' (default)'}"
            for n in piece.bounds
        ]
        raise CompositionError(
            f"{source}: {said[0]} and {said[1]}; '{low}' may be '{high}' at most"
        )


def _numbers(
    given: Mapping[str, Any], known: Mapping[str, Parameter], path: str, source: str
) -> dict[str, Any]:
    _known(given, tuple(known), path, source)
    return {name: _number(value, known[name], path + name, source) for name, value in given.items()}


def _number(value: Any, parameter: Parameter, key: str, source: str) -> float:
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    if right and parameter.whole and not isinstance(value, int):
        right = False
    if not right or not parameter.low <= value <= parameter.high:
        what = "a whole number" if parameter.whole else "a number"
        raise CompositionError(
            f"{source}: '{key}' is {value!r}; it takes {what} from {parameter.low:g} to "
            f"{parameter.high:g} ({parameter.what})"
        )
    return int(value) if parameter.whole else float(value)


def _known(given: Mapping[str, Any], known: tuple[str, ...], path: str, source: str) -> None:
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.0)
            nearest = f"; did you mean '{path}{close[0]}'?" if close else "; it takes none"
            raise CompositionError(f"{source}: unknown key '{path}{name}'{nearest}")


def _table(value: Any, name: str, source: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise CompositionError(f"{source}: '{name}' is {value!r}; it is a table: write [{name}]")
    return value


def _tables(given: Mapping[str, Any], name: str, source: str) -> list[Mapping[str, Any]]:
    found = given.get(name, [])
    if not isinstance(found, list) or not all(isinstance(table, Mapping) for table in found):
        raise CompositionError(f"{source}: '{name}' is a list of tables: write [[{name}]] for each")
    return found


def _has(table: Mapping[str, Any], names: tuple[str, ...], path: str, source: str) -> bool:
    for name in names:
        if name not in table:
            what = _OUTAGE[name]
            raise CompositionError(f"{source}: {path} has no '{name}': say {what.what}")
    return True


def _or(names: Mapping[str, Any]) -> str:
    *some, last = names
    return f"{', '.join(some)} or {last}"
