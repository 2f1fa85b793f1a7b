"""A body of JSON as raw records: an object, an array, a batch within an object, or one a line.

Each comes with its position; one that cannot be read is a Problem, and costs nothing but itself.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import orjson

from streams.intake.expressions import Expression
from streams.intake.mapping import Mapping
from streams.intake.outcome import NOT_AN_OBJECT, TOO_LARGE, UNREADABLE, PassedOver, Problem
from streams.intake.pruning import Shape, shape_of

Record = dict[str, Any]
RawRecord = tuple[int, Record | Problem | PassedOver]
MOST_BYTES: Final = 64 << 20  # of an unpacked body
MOST_TEXT: Final = 4 << 20  # of JSON within JSON
GZIP: Final = b"\x1f\x8b"
BOM: Final = b"\xef\xbb\xbf"
_SEPARATORS: Final = " \t\r\n,"


def unpacked(body: bytes, content_encoding: str) -> bytes | Problem:
    """The body as it was before it was compressed; gzip is known by its first bytes too."""
    how = content_encoding.strip().lower()
    if how not in ("", "identity", "gzip", "x-gzip", "deflate"):
        return Problem(UNREADABLE, "compressed in a way that is not read; send gzip or deflate")
    if how in ("", "identity") and not body.startswith(GZIP):
        return body
    pieces: list[bytes] = []
    size = 0
    try:
        while body:  # gzip members one behind another
            one = zlib.decompressobj(zlib.MAX_WBITS | 32)
            pieces.append(one.decompress(body, MOST_BYTES + 1 - size))
            size += len(pieces[-1])
            if size > MOST_BYTES:
                return Problem(TOO_LARGE, f"unpacks to more than {MOST_BYTES >> 20} MiB; send less")
            if not one.eof:
                return Problem(UNREADABLE, "its compression is cut short; send it again")
            body = one.unused_data.lstrip(b"\0")
    except zlib.error:
        return Problem(UNREADABLE, "its compression is damaged; send it again")
    return b"".join(pieces)


class JsonBodies:
    """Takes JSON bodies of one format apart, building of a record only what its mapping reads."""

    def __init__(self, mapping: Mapping | None = None, *also: Expression) -> None:
        self._mapping = Mapping("json", {}) if mapping is None else mapping
        self._shape: Shape | None = None if mapping is None else shape_of(mapping, also)

    def reading(self, *also: Expression) -> JsonBodies:
        """The same for somebody who reads more of a record than the mapping does."""
        return JsonBodies(self._mapping, *also)

    def __call__(self, body: bytes) -> Iterator[RawRecord]:
        """The records of a body, in order; a body of nothing has none."""
        body = body.removeprefix(BOM).strip()
        if not body:
            return iter(())
        return enumerate(self._records(body))

    def _records(self, body: bytes) -> Iterator[Record | Problem]:
        whole = self._loads(body)
        if not isinstance(whole, Problem):
            yield from self._of_value(whole)
        elif body.startswith(b"[") and not _lines_alone(body):
            yield from self._of_array(body)
        else:
            lines = body.split(b"\n")
            if len(lines) == 1:
                yield whole
                return
            for line in lines:
                if line and not line.isspace():
                    yield from self._of_value(self._loads(line.strip()))

    def _loads(self, text: bytes) -> Any:
        if self._shape is not None:
            try:
                return self._shape.decode(text)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                pass  # no JSON, or members of another kind than most have
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return _forgiving(text)

    def _of_value(self, value: Any) -> Iterator[Record | Problem]:
        if value.__class__ is list:
            for entry in value:
                yield self._record(entry)
            return
        if value.__class__ is dict:
            for name in self._mapping.under:
                if isinstance(value.get(name), list):
                    for entry in value[name]:
                        yield self._record(entry)
                    return
        yield self._record(value)

    def _record(self, value: Any) -> Record | Problem:
        if value.__class__ is not dict:
            if isinstance(value, Problem):
                return value
            return Problem(NOT_AN_OBJECT, "a record is a JSON object")
        mapping = self._mapping
        for name in mapping.unwrap:
            if value.get(name).__class__ is dict:
                value = value[name]
        for path in mapping.json:
            _parse_text(value, path)
        for name in mapping.pairs:
            _join_pairs(value, name)
        return value

    def _of_array(self, body: bytes) -> Iterator[Record | Problem]:
        """What is whole of an array that is not; then what is wrong with it."""
        text = body.decode("utf-8", "backslashreplace")
        decoder = json.JSONDecoder()
        at = 1
        while at < len(text):
            while at < len(text) and text[at] in _SEPARATORS:
                at += 1
            if at >= len(text) or text[at] == "]":
                break
            try:
                value, at = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                break
            yield self._record(value)
        yield Problem(UNREADABLE, "an array of JSON that is cut short or damaged here")


def json_records(body: bytes) -> Iterator[RawRecord]:
    """The records of a body with all that they hold."""
    return JsonBodies()(body)


def _lines_alone(body: bytes) -> bool:
    """Whether the first line is JSON by itself, as where each line holds an array."""
    first = body.partition(b"\n")[0]
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return True


def _forgiving(text: bytes) -> Any:
    """JSON with NaN, half surrogate pairs, or bytes that are no UTF-8, as some gateways write it."""
    try:
        return json.loads(text.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return Problem(UNREADABLE, "no JSON, or cut short; send it whole")


def _parse_text(record: Record, path: tuple[str, ...]) -> None:
    *way, last = path
    for name in way:
        record = record.get(name)  # type: ignore[assignment]
        if record.__class__ is not dict:
            return
    text = record.get(last)
    if text.__class__ is str and text[:1] in ("{", "[") and len(text) <= MOST_TEXT:
        try:
            record[last] = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return  # a text, then


def _join_pairs(record: Record, name: str) -> None:
    """Names and values apart, or a list of pairs, as one object."""
    given = record.get(name)
    if given is None and isinstance(record.get(f"{name}.key"), list):
        given = {"key": record[f"{name}.key"], "value": record.get(f"{name}.value")}
    if isinstance(given, dict):
        keys, values = given.get("key"), given.get("value")
        if isinstance(keys, list) and isinstance(values, list):
            record[name] = {str(k): v for k, v in zip(keys, values, strict=False)}
    elif isinstance(given, list):
        record[name] = {
            str(pair["key"]): pair.get("value")
            for pair in given
            if isinstance(pair, dict) and "key" in pair
        }
