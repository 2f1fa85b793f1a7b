"""A body of OTLP, however it is written, as raw records.

Read are protobuf as it is, base64 of it (a request a line), and JSON (an object, an array, an object a line).
The bytes say which. They cannot be mistaken: protobuf that holds a signal has bytes that no text has, and
text that begins with a bracket is no base64. What a request is in JSON, spans or logs, it says itself.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterator
from typing import Any, Final

import orjson

from streams.intake.bodies import RawRecord
from streams.intake.otel_records import raw_records
from streams.intake.otlp import Signal
from streams.intake.otlp_json import json_signals
from streams.intake.otlp_proto import proto_signals
from streams.intake.otlp_shapes import shaped_signals
from streams.intake.outcome import NOT_AN_OBJECT, UNREADABLE, Problem

_BOM: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_BRACKETS: Final = (b"{", b"[")
_NO_TEXT: Final = bytes(b for b in range(32) if b not in _SPACE)


def span_records(body: bytes) -> Iterator[RawRecord]:
    """The spans of a body, each as a raw record, passed over, or refused."""
    return raw_records(_signals(body, logs=False))


def log_records(body: bytes) -> Iterator[RawRecord]:
    """The log records of a body, each as a raw record, passed over, or refused."""
    return raw_records(_signals(body, logs=True))


def _signals(body: bytes, logs: bool) -> Iterator[Signal | Problem]:
    body = body.removeprefix(_BOM)
    begins = body.lstrip(_SPACE)[:1]
    if not begins:
        return
    if _is_binary(body):
        yield from proto_signals(body, logs)
    elif begins in _BRACKETS:
        yield from _of_json(body, logs)
    else:
        for line in body.split(b"\n"):
            line = line.strip()  # noqa: PLW2901
            if line[:1] in _BRACKETS:
                yield from _of_json(line, logs)
            elif line:
                yield from _of_base64(line, logs)


def _is_binary(body: bytes) -> bool:
    if body[:1] in _BRACKETS:
        return False
    return len(body.translate(None, _NO_TEXT)) != len(body)


def _of_json(body: bytes, logs: bool) -> Iterator[Signal | Problem]:
    whole = _loads(body, logs)
    lines = body.split(b"\n") if isinstance(whole, Problem) else []
    values = [_loads(line, logs) for line in lines if line.strip()] if len(lines) > 1 else [whole]
    if all(isinstance(value, Problem) for value in values):
        values = [whole]  # one piece of JSON that is damaged, and not as many as it has lines
    for value in values:
        if type(value) is tuple:
            yield from value
            continue
        for request in value if type(value) is list else [value]:
            if isinstance(request, Problem):
                yield request
            elif type(request) is dict:
                yield from json_signals(request)
            else:
                yield Problem(NOT_AN_OBJECT, "a request of OTLP is a JSON object")


def _loads(text: bytes, logs: bool) -> Any:
    """A request's signals as a tuple where its shape is the usual one; else what the JSON says."""
    if not logs and (signals := shaped_signals(text)) is not None:
        return signals
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:  # with NaN, half of a surrogate pair, or bytes that are no UTF-8, it is JSON to others
        return _whole_text(json.loads(text.decode(errors="replace")))
    except (ValueError, RecursionError):
        return Problem(UNREADABLE, "no JSON, or cut short; send it whole")


def _whole_text(value: Any) -> Any:
    if type(value) is str:
        return value.encode(errors="replace").decode()
    if type(value) is list:
        return [_whole_text(each) for each in value]
    if type(value) is dict:
        return {_whole_text(key): _whole_text(each) for key, each in value.items()}
    return value


def _of_base64(line: bytes, logs: bool) -> Iterator[Signal | Problem]:
    try:
        body = binascii.a2b_base64(line.strip(b'"'), strict_mode=True)
    except binascii.Error:
        yield Problem(UNREADABLE, "a line that is neither JSON nor base64 of protobuf")
        return
    yield from proto_signals(body, logs)
