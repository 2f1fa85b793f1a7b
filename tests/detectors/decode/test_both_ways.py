"""A record gets the same result whether it is parsed by the kernel or by the slow way.

A line feed before a record is white space to JSON, and enough for the kernel to leave it alone.
"""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors.contract.request_event import (
    EARLIEST_MS,
    EVENT,
    OPTIONAL,
    PROPERTIES,
    REQUIRED,
    USAGE,
)
from detectors.decode.decoder import Decoded, Decoder
from detectors.decode.fast import PADDING
from detectors.decode.numbers import real_at, whole_at

KEY = bytes(range(16))
DECODER = Decoder(KEY, future_ms=1000)
law = settings(max_examples=400)

NAMES = [p.name for p in PROPERTIES]
CHOICES = sorted({choice for p in PROPERTIES for choice in p.choices})
times = st.integers(EARLIEST_MS - 3, EARLIEST_MS + 3)  # all near one another, and near the limit
numbers = st.one_of(
    st.integers(-2, 300),
    st.integers(0, 2**65),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(0, 1),
    times,
    st.decimals(0, 100, places=6).map(float),
)
texts = st.one_of(
    st.sampled_from(CHOICES),
    st.from_regex(r"[0-9a-f]{16}|[A-Z]{2}|k1:[0-9a-f]{1,64}", fullmatch=True),
    st.text(max_size=12),
    st.integers(0, 140).map(lambda n: "x" * n),
    st.integers(500, 520).map(lambda n: "x" * n),
)
values = st.one_of(
    numbers, texts, st.booleans(), st.none(), st.just([1]), st.just({"a": {"b": "c"}})
)
required = st.fixed_dictionaries(
    {
        "event_id": st.text("abc-123", min_size=1, max_size=64)
        | st.integers(1, 2100).map(lambda n: "y" * n),
        "event_time": st.one_of(st.integers(0, 2**62), times),
        "account_id": st.one_of(
            st.text("abc-123", min_size=1, max_size=128),
            st.text(min_size=1),
            st.integers(500, 520).map(lambda n: "y" * n),
        ),
        "model": st.sampled_from(["m", "large-5"]),
        "input_tokens": st.none() | st.integers(0, 10**6),
        "output_tokens": st.none() | st.integers(0, 10**19),
    }
)
VALID: dict[str, st.SearchStrategy[Any]] = {
    p.name: st.sampled_from(p.choices)
    if p.choices
    else st.one_of(st.text("xyz019:_", max_size=20), st.integers(0, 10**12), st.floats(0, 1), times)
    for p in PROPERTIES
    if not p.required
}
plain = st.builds(lambda a, b: a | b, required, st.fixed_dictionaries({}, optional=VALID))
wild = st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=20)), values, max_size=12)
objects = st.one_of(plain, st.builds(lambda a, b: a | b, required, wild), wild)


def written(event: dict[str, Any], seed: int, style: int) -> bytes:
    items = list(event.items())
    random.Random(seed).shuffle(items)
    separators = ((",", ":"), (", ", ": "), (" , ", " : "), (",\n", ":"))[style]
    text = json.dumps(dict(items), separators=separators, ensure_ascii=style == 1)
    return text.encode("utf-8", "surrogatepass")


records = st.builds(written, objects, st.integers(0, 9), st.integers(0, 3))


def outcome(decoded: Decoded) -> list[object]:
    """All of a batch's result, with strings by content and without positions."""
    rows: list[object] = []
    for event in decoded.events:
        row: list[object] = []
        for name in EVENT.names or ():
            if name.endswith("_at"):
                at = int(event[name])
                row.append(decoded.buffer[at : at + int(event[name[:-3] + "_len"])].tobytes())
            else:
                row.append(event[name].tobytes())
        rows.append(row)
    rejected = [
        (r.row, r.reason, r.message if r.reason not in ("not_json", "not_utf8") else "")
        for r in decoded.rejected
    ]
    return [rows, rejected, *(c.tolist() for c in decoded[-3:])]


def agree(raws: list[bytes], stamps: np.ndarray | None = None) -> None:
    fast = DECODER.decode(raws, stamps)
    slow = DECODER.decode([b"\n" + raw for raw in raws], stamps)
    assert outcome(fast) == outcome(slow)
    assert len(fast.events) + len(fast.rejected) == len(raws)


@law
@given(st.lists(records, max_size=5))
@example([b'{"event_id":""}', b"{}", b'{"":1}', b'{"event_id"}', b'{"a":-0}', b'{"a":-}'])
def test_both_ways_agree_on_records_as_written(raws: list[bytes]) -> None:
    agree(raws)


WHOLE_EVENT = (
    b'{"event_id":"e","event_time":1262304000005,"account_id":"a","model":"m",'
    b'"input_tokens":1,"output_tokens":2'
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("zeros", [1, 3, 8])
def test_a_name_with_a_zero_byte_behind_it_is_no_json_and_no_property(
    name: str, zeros: int
) -> None:
    raw = WHOLE_EVENT.replace(b'"%b"' % name.encode(), b'"%b%b"' % (name.encode(), bytes(zeros)))
    if raw == WHOLE_EVENT:
        raw += b',"%b%b":null' % (name.encode(), bytes(zeros))
    raw += b"}"
    agree([raw])
    (rejected,) = DECODER.decode([raw]).rejected
    assert rejected.reason == "not_json"


@pytest.mark.parametrize("name", NAMES)
def test_an_escaped_zero_makes_another_name_and_an_escaped_letter_the_same(name: str) -> None:
    other = WHOLE_EVENT + b',"%b\\u0000":[]}' % name.encode()
    escaped = f"\\u{ord(name[-1]):04x}"
    own = b"null" if name != "schema_version" else b"[]"
    same = WHOLE_EVENT + f',"{name[:-1]}{escaped}":'.encode() + own + b"}"
    agree([other, same])
    plain = DECODER.decode([WHOLE_EVENT + b"}"])
    found = DECODER.decode([other])
    assert found.events.tobytes() != b""
    assert found.unknown.tolist() == plain.unknown.tolist()
    found = DECODER.decode([same])
    if name in REQUIRED and name not in USAGE:
        assert [r.reason for r in found.rejected] == ["wrong_type"]
    else:
        assert found.unknown.tolist() == [int(name == one) for one in OPTIONAL]


def test_of_a_property_given_plainly_and_escaped_the_last_counts() -> None:
    raws = [
        WHOLE_EVENT + b',"event\\u005ftime":1262304000007}',
        WHOLE_EVENT.replace(b'"event_time":', b'"\\u0065vent_time":1262304000007,"event_time":')
        + b"}",
    ]
    agree(raws)
    assert DECODER.decode(raws).events["event_time"].tolist() == [EARLIEST_MS + 7, EARLIEST_MS + 5]


@law
@given(
    st.lists(
        st.tuples(
            records,
            st.lists(
                st.tuples(
                    st.integers(0, 999), st.sampled_from(b'"\\{}[]:,0-.eE \n\x00\x7f\xff9atn')
                ),
                max_size=2,
            ),
            st.integers(-1, 400),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_both_ways_agree_on_records_with_bytes_changed_or_cut_off(
    cases: list[tuple[bytes, list[tuple[int, int]], int]],
) -> None:
    raws = []
    for raw, changes, cut in cases:
        mutated = bytearray(raw)
        for at, byte in changes:
            mutated[at % len(mutated)] = byte
        raws.append(bytes(mutated[:cut] if 0 <= cut < len(mutated) and changes else mutated))
    agree(raws)


@law
@given(st.lists(st.tuples(records, st.integers(-1, 2**62)), min_size=1, max_size=4))
def test_both_ways_agree_on_what_is_from_the_future(cases: list[tuple[bytes, int]]) -> None:
    agree([raw for raw, _ in cases], np.array([stamp for _, stamp in cases]))


@law
@given(
    st.sampled_from([p.name for p in PROPERTIES] + ["other"]),
    st.one_of(
        st.from_regex(r"-?[0-9]{1,22}(\.[0-9]{1,22})?([eE][-+]?[0-9]{1,4})?", fullmatch=True),
        st.from_regex(r'[-+0-9.eE"ntf]{1,8}', fullmatch=True),
        st.sampled_from(["true", "false", "null", "nul", "True", "-0", "-0.0", "0e0", "1E3", '""']),
    ),
)
def test_both_ways_agree_on_every_property_holding_any_bare_value(name: str, value: str) -> None:
    start = (
        b'{"event_id":"e","event_time":1777026031000,"account_id":"a","model":"m","input_tokens":1'
    )
    end = b"" if name == "output_tokens" else b',"output_tokens":2'
    agree([start + b',"%b":%b' % (name.encode(), value.encode()) + end + b"}"])


@law
@given(
    st.one_of(
        st.floats(0, 1e17).map(repr),
        st.floats(0, 1).map(repr),
        st.from_regex(r"-?(0|[1-9][0-9]{0,16})\.[0-9]{1,17}(e-?[0-9]{1,2})?", fullmatch=True),
        st.integers(2**52, 2**53).map(lambda m: f"{2 * m + 1}"),  # ties
        st.integers(2**52, 2**54).map(lambda m: f"{2 * m + 1}.0"),
        st.integers(2**52, 2**53).map(lambda m: f"{(2 * m + 1) * 5}e-1"),
    )
)
def test_a_double_read_by_the_kernel_is_the_one_python_reads(text: str) -> None:
    buffer = np.frombuffer(text.encode() + b"," + bytes(PADDING), np.uint8)
    value, end = real_at(buffer, 0)
    assert end == -1 or (end == len(text) and value == float(text))


@law
@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_an_integer_of_up_to_18_digits_is_read_by_the_kernel(number: int) -> None:
    text = str(number)
    buffer = np.frombuffer(text.encode() + b"}" + bytes(PADDING), np.uint8)
    assert whole_at(buffer, 0) == (number, len(text))


def test_nearly_all_random_doubles_are_read_by_the_kernel() -> None:
    numbers = random.Random(7)
    refused = 0
    for _ in range(5000):
        text = repr(numbers.random())
        value, end = real_at(np.frombuffer(text.encode() + bytes(PADDING), np.uint8), 0)
        refused += end < 0
        assert end < 0 or value == float(text)
    assert refused < 10
