"""Columns of parquet as the contract writes them: a value or None for each row, of plain Python's types.

What cannot be said as the property takes it is handed on as it is, for the decoder to judge; a list or
another nested value as `NESTED`, which is valid for none.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from detectors.contract.request_event import FLAG, WHOLE, Property
from detectors.decode.rejects import MOST_BYTES

NESTED: list[Any] = []
# Ids and digests as bytes: 64 bits, a UUID or MD5, SHA-1, SHA-256. Others are text in some encoding.
DIGEST_BYTES = frozenset({8, 16, 20, 32})
_ENOUGH = MOST_BYTES + 1  # a longer text makes its row too large, however much longer


def values_of(column: Any, prop: Property, uuid: bool = False) -> list[Any]:
    """The values of one column of a batch; strings as bytes where they are no UTF-8.

    `uuid`: the file says of its bytes that they are UUIDs.
    """
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _of_dictionary(column, prop, uuid)
    if pa.types.is_nested(kind):
        return [NESTED] * len(column)
    if pa.types.is_timestamp(kind):
        return _milliseconds(column)
    if pa.types.is_date(kind):
        # Of an account's first day midnight is near enough; of an event it would be wrong by hours.
        if prop.name == "account_created_at":
            return _milliseconds(column)
        return _as_text(column)
    if pa.types.is_duration(kind):
        return column.cast(pa.duration("ms"), safe=False).cast(pa.int64()).to_pylist()
    if pa.types.is_decimal(kind):
        return _number(column, prop)
    if pa.types.is_fixed_size_binary(kind):
        return _of_bytes(column, uuid, fixed=True)
    if _is_binary(kind):
        return _of_bytes(column, uuid, fixed=False)
    if _is_string(kind):
        return _texts(column)
    if pa.types.is_integer(kind) and prop.kind == FLAG:
        return [bool(v) if v in (0, 1) else v for v in column.to_pylist()]
    if pa.types.is_primitive(kind) and not pa.types.is_temporal(kind):
        return column.to_pylist()
    return [None] * len(column) if pa.types.is_null(kind) else _as_text(column)


def _of_dictionary(column: Any, prop: Property, uuid: bool) -> list[Any]:
    """Each value that the batch uses is made once, however often it is meant and however long it is."""
    used = pc.unique(column.indices).drop_null()
    made = values_of(column.dictionary.take(used), prop, uuid)
    by_place = dict(zip(used.to_pylist(), made, strict=True))
    return [by_place.get(place) for place in column.indices.to_pylist()]


def _milliseconds(column: Any) -> list[Any]:
    whole = column.cast(pa.timestamp("ms", getattr(column.type, "tz", None)), safe=False)
    return whole.cast(pa.int64()).to_pylist()


def _number(column: Any, prop: Property) -> list[Any]:
    if prop.kind == WHOLE:
        try:
            return column.cast(pa.int64()).to_pylist()
        except pa.ArrowInvalid:  # fractions, or beyond 64 bits
            pass
    return column.cast(pa.float64(), safe=False).to_pylist()


def _texts(column: Any) -> list[Any]:
    raw = column.cast(pa.large_binary())
    short = _cut(raw)
    try:
        if short is raw:
            return column.to_pylist()
    except UnicodeDecodeError:
        pass
    return [_decoded(text) for text in short.to_pylist()]


def _of_bytes(column: Any, uuid: bool, *, fixed: bool) -> list[Any]:
    return [
        None if raw is None else raw.hex() if uuid else _text_or_hex(raw, fixed)
        for raw in _cut(column.cast(pa.large_binary())).to_pylist()
    ]


def _text_or_hex(raw: bytes, fixed: bool) -> str | bytes:
    """Text in a column of bytes stays text; what cannot be text is an id or a digest, in hex."""
    text = _decoded(raw)
    if not fixed and len(raw) not in DIGEST_BYTES:
        return text
    if isinstance(text, str):
        text = text.rstrip("\0") if fixed else text  # a shorter text in a column of one width
        if text and text.isprintable():
            return text
    return raw.hex()


def _decoded(raw: bytes | None) -> Any:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        if len(raw) == _ENOUGH and error.start > _ENOUGH - 4:
            return raw[: error.start].decode() + "?"  # cut within a character
        return raw


def _cut(raw: Any) -> Any:
    """Large binaries without what is too long in any case, which must not become Python's objects."""
    longest = pc.max(pc.binary_length(raw)).as_py()
    return raw if longest is None or longest <= _ENOUGH else pc.binary_slice(raw, 0, _ENOUGH)


def _as_text(column: Any) -> list[Any]:
    try:
        return column.cast(pa.string()).to_pylist()
    except pa.ArrowException:
        return [NESTED if valid else None for valid in column.is_valid().to_pylist()]


def _is_binary(kind: Any) -> bool:
    return (
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )


def _is_string(kind: Any) -> bool:
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
