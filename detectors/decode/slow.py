"""The slow way: one record at a time in plain Python, every rule spelt out. The only place that rejects.

JSON is RFC 8259 to the letter: no NaN, no byte order mark, no control character in a string. Of a
property given twice the last counts. A lone surrogate escape is no text, so its record is not JSON.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np
import orjson

from detectors.contract.request_event import (
    BLANK,
    COLUMN,
    INDEX,
    PROPERTIES,
    TEMPLATE,
    TEXT,
    VERSION,
    Property,
)
from detectors.decode.rejects import (
    FROM_THE_FUTURE,
    MOST_BYTES,
    MOST_NESTING,
    NOT_JSON,
    NOT_OBJECT,
    NOT_UTF8,
    NULL_VALUE,
    TOO_DEEP,
    TOO_LARGE,
    Refusal,
)
from detectors.decode.rules import demand, optional, version
from detectors.kernels.compiled import kernel

_REQUIRED = tuple((i, p) for i, p in enumerate(PROPERTIES) if p.required)
_OTHERS = {p.name: (i, p) for i, p in enumerate(PROPERTIES) if not p.required and p.kind != VERSION}
_PLACES = {
    p.name: (COLUMN[f"{p.position}_at"], COLUMN[f"{p.position}_len"])
    for p in PROPERTIES
    if p.position
}
_CREATED, _TIME = COLUMN["created"], COLUMN["event_time"]
_QUOTE, _BACKSLASH = 34, 92


class Slow:
    """Decodes the records of one batch that were not plain; strings gather in `texts`."""

    def __init__(self, end: int, future_ms: int) -> None:
        self._end = end
        self._future_ms = future_ms
        self.texts = bytearray()

    def decode(self, value: bytes | None, stamp: int, counts: np.ndarray) -> list[object]:
        """One record's row, without fingerprints; raises Refusal. Adds to `counts` if it is accepted.

        `counts` is int64 (2, properties): not known, and given but unusable.
        """
        event = parse_object(value)
        row = list(BLANK)
        missing = version(event)
        for i, p in _REQUIRED:
            known = demand(p, event)
            if known is None:
                missing.append(i)
            else:
                self._put(p, known, row)
        for name, found in event.items():
            other = _OTHERS.get(name)
            if other is None:
                continue
            i, p = other
            known = None if found is None else optional(p, found)
            if known is None:
                missing.append(i)
            else:
                self._put(p, known, row)
        missing += _before_sign_up(row)
        self._check_future(row, stamp)
        for i in missing:
            counts[:, i] += 1, event[PROPERTIES[i].name] not in (None, "")
        return row

    def _put(self, p: Property, value: Any, row: list[object]) -> None:
        if p.kind == TEXT:
            raw = value.encode()
            at, size = _PLACES[p.name]
            row[at] = self._end + len(self.texts)
            row[size] = len(raw)
            self.texts += raw
            return
        row[COLUMN[p.column]] = value
        if p.kind == TEMPLATE:
            row[COLUMN["has_template"]] = 1

    def _check_future(self, row: list[Any], stamp: int) -> None:
        reference = stamp if stamp >= 0 else row[COLUMN["ingest_time"]]
        if reference >= 0 and row[COLUMN["event_time"]] - self._future_ms > reference:
            raise Refusal(
                FROM_THE_FUTURE,
                f"event_time is more than {self._future_ms} ms after the record's timestamp "
                "(or its ingest_time, where it has no timestamp)",
            )


def _before_sign_up(row: list[Any]) -> list[int]:
    """What is not known of an account that is said to be younger than its own event: its age."""
    if row[_CREATED] <= row[_TIME]:
        return []
    row[_CREATED] = -1
    return [INDEX["account_created_at"]]


def parse_object(value: bytes | None) -> dict[str, Any]:
    """The JSON object that a record holds; raises Refusal with the reason where it holds none."""
    if value is None:
        raise Refusal(NULL_VALUE, "the record has no value (a tombstone); an event is expected")
    if len(value) > MOST_BYTES:
        raise Refusal(TOO_LARGE, f"{len(value)} bytes; at most {MOST_BYTES} are allowed")
    try:
        text = str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(NOT_UTF8, f"invalid UTF-8 at byte {error.start}") from None
    if text.count("[") + text.count("{") > MOST_NESTING:
        depth = nesting(np.frombuffer(value, np.uint8))
        if depth > MOST_NESTING:
            raise Refusal(
                TOO_DEEP, f"nested {depth} deep; at most {MOST_NESTING} levels are allowed"
            )
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        event = _second_opinion(text, error.pos)
    if type(event) is not dict:
        raise Refusal(NOT_OBJECT, "JSON, but not an object")
    return event


def _second_opinion(text: str, position: int) -> Any:
    """Read again what orjson refused: a number beyond a double (1e999) is still JSON.

    Everything else it refuses stays refused, lone surrogates included.
    """

    def refuse(_: str) -> NoReturn:
        raise ValueError

    try:
        event = json.loads(text, parse_constant=refuse, parse_int=_integer)
        json.dumps(event, ensure_ascii=False).encode()
    except ValueError:  # JSON errors and lone surrogates alike
        raise Refusal(NOT_JSON, f"not JSON (RFC 8259) at character {position}") from None
    return event


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= 19 else float(digits)


@kernel
def nesting(value: np.ndarray) -> int:
    """How deep brackets outside strings nest in a record, JSON or not; no recursion. `value` is uint8."""
    depth = deepest = 0
    quoted = escaped = False
    for c in value:
        if escaped:
            escaped = False
        elif quoted:
            escaped = c == _BACKSLASH
            quoted = c != _QUOTE
        elif c == _QUOTE:
            quoted = True
        elif c in (91, 123):
            depth += 1
            deepest = max(deepest, depth)
        elif c in (93, 125):
            depth -= 1
    return deepest
