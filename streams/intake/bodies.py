"""A body of JSON as raw records: an object, an array, a batch within an object, or an object a line.

Each comes with its position; one that cannot be read is a Problem, and costs nothing but itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from streams.intake.outcome import NOT_AN_OBJECT, TOO_LARGE, UNREADABLE, PassedOver, Problem

RawRecord = tuple[int, "dict[str, Any] | Problem | PassedOver"]
MOST_BYTES = 64 << 20  # of an unpacked body


def unpacked(body: bytes, content_encoding: str) -> bytes | Problem:
    """The body as it was before it was compressed; gzip is known by its first bytes too."""
    how = content_encoding.strip().lower()
    if how in ("", "identity") and not body.startswith(b"\x1f\x8b"):
        return body
    if how not in ("", "identity", "gzip", "x-gzip", "deflate"):
        return Problem(UNREADABLE, "compressed in a way that is not read; send gzip or deflate")
    try:
        made = zlib.decompressobj(zlib.MAX_WBITS | 32)
        plain = made.decompress(body, MOST_BYTES + 1)
        if len(plain) > MOST_BYTES:
            return Problem(TOO_LARGE, f"unpacks to more than {MOST_BYTES >> 20} MiB; send less")
        if not made.eof:
            return Problem(UNREADABLE, "its compression is cut short; send it again")
    except zlib.error:
        return Problem(UNREADABLE, "its compression is damaged; send it again")
    return plain


def json_records(body: bytes, under: tuple[str, ...] = ()) -> Iterator[RawRecord]:
    """The records of a body. `under`: names of members that may hold a list of them."""
    try:
        yield from enumerate(_of_value(orjson.loads(body), under))
    except orjson.JSONDecodeError:
        position = 0
        for line in body.split(b"\n"):
            if line and not line.isspace():
                for record in _of_value(_loads(line), under):
                    yield position, record
                    position += 1


def _of_value(value: Any, under: tuple[str, ...]) -> Iterator[dict[str, Any] | Problem]:
    if isinstance(value, dict):
        for name in under:
            if isinstance(value.get(name), list):
                yield from map(_object, value[name])
                return
        yield value
    elif isinstance(value, list):
        yield from map(_object, value)
    else:
        yield _object(value)


def _object(value: Any) -> dict[str, Any] | Problem:
    if isinstance(value, (dict, Problem)):
        return value
    return Problem(NOT_AN_OBJECT, "a record is a JSON object")


def _loads(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return Problem(UNREADABLE, "no JSON")
