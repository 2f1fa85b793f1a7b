"""Records that no reader can take as an event, each with the reason to set it aside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from worlds.randomness import stream

Malformed = tuple[bytes | None, str]

LARGEST_BYTES = 65_536
START_MS = 1_777_000_000_000
DEPTH = 2_000  # far beyond any reader's limit
TOO_LARGE_EVERY = 500  # these are big: one in so many

_REQUIRED = ("event_id", "event_time", "account_id", "model", "input_tokens", "output_tokens")
_TEXTS = ("event_id", "account_id", "model")
_COUNTS = ("event_time", "input_tokens", "output_tokens")
_LONGEST = {"event_id": 2048, "account_id": 512, "model": 128}


def malformed(count: int, seed: int = 0) -> Iterator[Malformed]:
    """Give `count` pairs of a record's value and the reason it is unreadable, every kind in turn.

    Reasons: not_utf8, not_json, not_object, missing_property, wrong_type, out_of_range, too_large,
    too_deep, null_value (the value is None), from_the_future (against the ingest time inside).
    """
    rng = stream(seed, "malformed")
    for number in range(count):
        event = _event(number, int(rng.integers(0, 2**48)))
        if number % TOO_LARGE_EVERY == TOO_LARGE_EVERY // 2:
            yield _json(event | {"note": "x" * LARGEST_BYTES}), "too_large"
            continue
        kinds = _kinds(event)
        yield kinds[number % len(kinds)]


def kinds_of_malformed() -> int:
    """Give how many records of `malformed` hold every kind but too_large once."""
    return len(_kinds(_event(0, 0)))


def _event(number: int, word: int) -> dict[str, Any]:
    return {
        "event_id": f"m-{number}-{word:x}",
        "event_time": START_MS + number,
        "account_id": f"a-{word:012x}",
        "model": "large-5",
        "input_tokens": 10 + word % 1_000,
        "output_tokens": 20 + word % 500,
        "ingest_time": START_MS + number + 300,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _kinds(event: dict[str, Any]) -> list[Malformed]:
    good = _json(event)
    name = event["account_id"].encode()
    found: list[Malformed] = [
        (None, "null_value"),
        (good.replace(name, b"a-\xff\xfe"), "not_utf8"),
        (good.replace(name, b"a-\xc0\xaf"), "not_utf8"),  # an overlong form
        (good.replace(name, b"a-\xe2\x82"), "not_utf8"),  # a character cut short
        (b"", "not_json"),
        (b"hello", "not_json"),
        (good[: len(good) // 2], "not_json"),
        (good[:-1], "not_json"),
        (good[:-1] + b",}", "not_json"),
        (good + good, "not_json"),
        (good.replace(b'"', b"'"), "not_json"),
        (good.replace(b'"input_tokens":', b'"input_tokens":NaN,"n":'), "not_json"),
        (good.replace(name, b"a-\x07"), "not_json"),  # a bare control character
        (b"[" + good + b"]", "not_object"),
        (b'"event"', "not_object"),
        (b"42", "not_object"),
        (b"null", "not_object"),
        (b"true", "not_object"),
        (b"{}", "missing_property"),
        (_json(event | {"model": ""}), "out_of_range"),
        (_json(event | {"input_tokens": 1.5}), "wrong_type"),
        (_json(event | {"input_tokens": True}), "wrong_type"),
        (_json(event | {"account_id": {"id": 1}}), "wrong_type"),
        (_json(event | {"event_time": "2026-04-24T10:00:00Z"}), "wrong_type"),
        (good[:-1] + b',"note":' + b"[" * DEPTH + b"]" * DEPTH + b"}", "too_deep"),
        (good[:-1] + b',"note":' + b'{"a":' * DEPTH + b"1" + b"}" * (DEPTH + 1), "too_deep"),
        (_json(event | {"event_time": 4_102_444_800_000}), "from_the_future"),
        (_json(event | {"event_time": START_MS // 1_000}), "out_of_range"),  # seconds
        (_json(event | {"event_time": START_MS * 1_000}), "out_of_range"),  # microseconds
    ]
    for field in _REQUIRED:
        rest = {key: value for key, value in event.items() if key != field}
        found.append((_json(rest), "missing_property"))
    for field in _TEXTS:
        found.append((_json(event | {field: 7}), "wrong_type"))
        found.append((_json(event | {field: "x" * (_LONGEST[field] + 1)}), "out_of_range"))
    for field in _COUNTS:
        found.append((_json(event | {field: "12"}), "wrong_type"))
        found.append((_json(event | {field: -1}), "out_of_range"))
    return found
