"""Expressions of mapping files: JMESPath, with plain paths as Python functions.

`a.b.c`, `a || b` and literals, which are nearly all, take a tenth of what JMESPath's interpreter takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError

Read = Callable[[dict[str, Any]], Any]
Path = tuple[str, ...]
# What JMESPath counts as false besides null and false; a number is true, 0 as well.
_EMPTY: Final[tuple[object, ...]] = ("", [], {})
_CHAINS: Final = frozenset(
    {
        *("subexpression", "index_expression", "pipe", "flatten"),
        *("projection", "value_projection", "filter_projection"),
    }
)


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, compiled.

    `paths`: the members of a record that it reads, None for all of them. `path`: where it is one path alone.
    """

    text: str
    read: Read
    paths: tuple[Path, ...] | None
    path: Path | None = None


def compile_expression(text: str) -> Expression:
    """Compile one. Raises ValueError, with what is wrong and where."""
    try:
        parsed = jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(str(error).splitlines()[0]) from error
    read = _plain(parsed.parsed)
    if read is not None:
        return Expression(text, read, tuple(_plain_paths(parsed.parsed)), _path(parsed.parsed))
    roots = set(_roots(parsed.parsed))
    paths = None if None in roots else tuple((root,) for root in sorted(filter(None, roots)))

    def interpreted(record: dict[str, Any]) -> Any:
        try:
            return parsed.search(record)
        except JMESPathError:  # a function was given what it does not take: not known
            return None

    return Expression(text, interpreted, paths)


def _plain(node: dict[str, Any]) -> Read | None:
    kind = node["type"]
    if kind == "literal":
        value = node["value"]
        return lambda record: value
    path = _path(node)
    if path is not None:
        return _reader(path)
    if kind == "or_expression":
        left, right = map(_plain, node["children"])
        if left is not None and right is not None:
            return _first(left, right)
    return None


def _reader(path: Path) -> Read:
    if len(path) == 1:
        (only,) = path
        return lambda record: record.get(only)
    if len(path) == 2:
        first, second = path

        def two(record: dict[str, Any]) -> Any:
            value = record.get(first)
            return value.get(second) if value.__class__ is dict else None

        return two
    first, *others = path

    def many(record: dict[str, Any]) -> Any:
        value = record.get(first)
        for name in others:
            if value.__class__ is not dict:
                return None
            value = value.get(name)
        return value

    return many


def _first(left: Read, right: Read) -> Read:
    def either(record: dict[str, Any]) -> Any:
        value = left(record)
        return right(record) if value is None or value is False or value in _EMPTY else value

    return either


def _path(node: dict[str, Any]) -> Path | None:
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    parts = [_path(child) for child in node["children"]]
    found: Path = ()
    for part in parts:
        if part is None:
            return None
        found += part
    return found


def _plain_paths(node: dict[str, Any]) -> Iterator[Path]:
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in node["children"]:
        yield from _plain_paths(child)


def _roots(node: dict[str, Any]) -> Iterator[str | None]:
    """The members of the record that an expression begins with; None where it may be any."""
    kind = node["type"]
    if kind == "field":
        yield node["value"]
    elif kind in ("current", "identity"):
        yield None
    else:
        # Of a chain, what follows reads what the first link gives, and not the record.
        for child in node["children"][: 1 if kind in _CHAINS else None]:
            yield from _roots(child)
