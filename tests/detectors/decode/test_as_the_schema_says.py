"""An independent reference: what the contract's JSON Schema says of a record is what decoding makes of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from detectors.contract.request_event import EARLIEST_MS, OPTIONAL, USAGE
from detectors.decode.decoder import Decoder
from tests.least_event import KEY, MINIMAL, WAYS
from tests.places import CONTRACT

SCHEMA: dict[str, Any] = json.loads((CONTRACT / "request-event.v1.schema.json").read_text())
REQUIRED = Draft202012Validator(
    {name: SCHEMA[name] for name in ("type", "required")}
    | {"properties": {name: SCHEMA["properties"][name] for name in SCHEMA["required"]}}
)
OF = {name: Draft202012Validator(SCHEMA["properties"][name]) for name in OPTIONAL}
# Within what the columns hold: beyond it rules are tighter than the schema, and said so.
integers = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**30), 2**30),
    st.integers(EARLIEST_MS - 2, EARLIEST_MS + 2),
    st.sampled_from([1777026031, MINIMAL["event_time"], MINIMAL["event_time"] + 1]),
)
choices = sorted({str(c) for said in SCHEMA["properties"].values() for c in said.get("enum", [])})
lengths = sorted(
    {said["maxLength"] for said in SCHEMA["properties"].values() if "maxLength" in said}
)
values = st.one_of(
    integers,
    integers.map(float),
    st.floats(-2, 2),
    st.booleans(),
    st.none(),
    st.just(""),
    st.sampled_from(choices),
    st.sampled_from(["US", "us", "9f3c00d1a2b4e6f8", "9F3C00D1A2B4E6F8", "k1:9c31"]),
    st.builds(lambda n, more, c: c * (n + more), st.sampled_from(lengths), st.integers(-1, 1),
              st.sampled_from("xé")),
    st.just(["x"]),
    st.just({"x": 1}),
)  # fmt: skip
some = st.dictionaries(st.sampled_from([*OPTIONAL, *SCHEMA["required"]]), values, max_size=8)
gone = st.sets(st.sampled_from(SCHEMA["required"]), max_size=1)


def _is_unknown(name: str, event: dict[str, Any]) -> bool:
    """What the contract says in words: null, empty or not valid; or no possible time of a sign-up."""
    value = event[name]
    if value in (None, "") or not OF[name].is_valid(value):
        return True
    return name == "account_created_at" and not EARLIEST_MS <= value <= event["event_time"]


@settings(max_examples=600)
@given(some, st.one_of(st.just(set()), gone), st.sampled_from(sorted(WAYS)))
def test_a_record_is_read_or_not_and_each_property_known_or_not_as_the_schema_says(
    changed: dict[str, Any], left_out: set[str], way: str
) -> None:
    event = {n: v for n, v in (MINIMAL | changed).items() if n not in left_out}
    version = event.get("schema_version")
    if version != 1 and isinstance(version, int | float) and float(version).is_integer():
        event.pop("schema_version")  # of another version: a rule beyond the schema
    event.pop("ingest_time", None)  # as is what comes from the future
    if isinstance(event.get("status"), int | float) and abs(event["status"]) > 2**31 - 1:
        event.pop("status")  # as is its column of 32 bits
    raw = WAYS[way] + json.dumps(event, separators=(",", ":")).encode()
    decoded = Decoder(KEY).decode([raw])
    assert len(decoded.events) == int(REQUIRED.is_valid(event))
    if decoded.rejected:
        return
    unknown = dict(zip(OPTIONAL, decoded.unknown.tolist(), strict=True))
    assert unknown == {n: int(n in event and _is_unknown(n, event)) for n in OPTIONAL}
    assert decoded.no_usage.tolist() == [int(event[name] is None) for name in USAGE]
