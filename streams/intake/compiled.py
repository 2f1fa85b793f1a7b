"""A mapping's fields as one Python function: where nearly all time goes, nothing is looked up twice.

The function is written from paths, not from what a file says otherwise: names stand in it as literals of
Python's own making, expressions that are no plain path are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from streams.intake.expressions import Path, Read
from streams.intake.gate import Check
from streams.intake.transformations import Transformation

Fill = Callable[[dict[str, Any], list[str]], dict[str, Any]]
_NOTHING: Final[dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a value: a plain path, or a function of the record; and what is made of what is there."""

    path: Path | None
    read: Read
    make: Transformation


def compile_fields(fields: Sequence[tuple[str, Sequence[Way], Check]]) -> Fill:
    """A function of a record and a list: what the record has of the fields, valid.

    Of a field's ways the first that gives a valid value wins. The name of a property that is there, and of
    which none is valid, is added to the list; what is empty, null, "" and "-" is not there.
    """
    names: dict[str, Any] = {"_nothing": _NOTHING}
    lines = ["def fill(record, unusable):", "    event = {}"]
    nodes = _nodes(way.path for _, ways, _ in fields for way in ways if way.path is not None)
    lines += _opened(nodes)
    for number, (name, ways, valid) in enumerate(fields):
        names[f"valid{number}"] = valid
        lines.append("    x, wrong = None, False")
        for place, way in enumerate(ways):
            names[f"make{number}_{place}"] = way.make
            if way.path is None:
                names[f"read{number}_{place}"] = way.read
                value = f"read{number}_{place}(record)"
            else:
                value = f"{nodes[way.path[:-1]]}.get({way.path[-1]!r})"
            at = "    "
            if place:
                lines.append("    if x is None:")
                at = "        "
            lines += [
                f"{at}v = {value}",
                f"{at}if v is not None{_but_nothing(way)}:",
                f"{at}    x = make{number}_{place}(v)",
                f"{at}    if x is None or not valid{number}(x):",
                f"{at}        x, wrong = None, wrong or (bool(v) and v != '-')",
            ]
        lines += [
            "    if x is not None:",
            f"        event[{name!r}] = x",
            "    elif wrong:",
            f"        unusable.append({name!r})",
        ]
    lines.append("    return event")
    exec("\n".join(lines), names)  # written above, of literals and numbered names alone
    fill: Fill = names["fill"]
    return fill


def _but_nothing(way: Way) -> str:
    """What keeps "" and "-" from being taken for values, where the transformation would."""
    takes = way.make("") is not None or way.make("-") is not None
    return " and v != '' and v != '-'" if takes else ""


def _nodes(paths: Iterator[Path]) -> dict[Path, str]:
    """A variable for each object that a path goes through, the outer before the inner."""
    nodes: dict[Path, str] = {(): "record"}
    for path in paths:
        for length in range(1, len(path)):
            nodes.setdefault(path[:length], f"node{len(nodes)}")
    return nodes


def _opened(nodes: dict[Path, str]) -> Iterator[str]:
    for path, variable in nodes.items():
        if path:
            yield f"    {variable} = {nodes[path[:-1]]}.get({path[-1]!r})"
            yield f"    if {variable}.__class__ is not dict:"
            yield f"        {variable} = _nothing"
