"""What the named transformations make of values, however a gateway writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake import times
from streams.intake.digesting import client, fingerprint, hmac, network, request_id, ua_family
from streams.intake.expressions import compile_expression
from streams.intake.transformations import (
    TRANSFORMATIONS,
    status,
    success,
    usage_input,
    usage_output,
)
from tests.streams.intake.gateway_samples import KEYS

AT = 1_777_026_031_123
MOMENTS = st.integers(1_262_304_000_000, 4_102_444_800_000)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


@pytest.mark.parametrize(
    "written",
    [
        *(1777026031.123, "1777026031.123", 1777026031123, "1777026031123", 1777026031123456),
        *(1777026031123456789, "1777026031123456789", "2026-04-24T10:20:31.123Z"),
        *("2026-04-24 10:20:31.123", "2026-04-24T10:20:31.123456789Z", "2026-04-24T10:20:31,123"),
        *("2026-04-24T12:20:31.1239+02:00", "2026-04-24 10:20:31.123 UTC"),
        *(
            "2026-04-24 10:20:31.123 +0000 UTC",
            "2026-04-24T10:20:31.123000",
            "20260424T102031.123Z",
        ),
    ],
)
def test_a_time_is_the_same_however_it_is_written(written: object) -> None:
    assert times.time(written) == AT


@pytest.mark.parametrize(
    "written",
    ["24/Apr/2026:10:20:31 +0000", "[24/Apr/2026:12:20:31 +0200]", "Fri, 24 Apr 2026 10:20:31 GMT"],
)
def test_a_log_s_time_is_read(written: str) -> None:
    assert times.time(written) == AT - 123


@given(MOMENTS)
def test_every_millisecond_survives_its_way_as_a_double_of_seconds(moment: int) -> None:
    assert times.seconds(moment / 1000) == moment
    assert times.seconds(str(moment / 1000)) == moment
    assert times.time(moment / 1000) == moment
    assert times.nanoseconds(moment * 1_000_000 + 999_999) == moment
    assert (
        times.iso_time(datetime.fromtimestamp(moment // 1000, UTC).isoformat())
        == moment // 1000 * 1000
    )


@given(ANYTHING)
def test_no_value_is_too_strange_for_a_transformation(value: object) -> None:
    for name, (make, _) in TRANSFORMATIONS.items():
        made = make(value)
        assert made is None or made.__class__ in (str, int, float, bool), name
    for keyed in (
        hmac(KEYS, "account"),
        fingerprint(KEYS, "prompt"),
        request_id(KEYS, "event"),
        ua_family(KEYS, "client"),
        network(KEYS),
    ):
        made = keyed(value)
        assert made is None or made.__class__ is str


def test_success_and_failure_have_a_status() -> None:
    assert [status(v) for v in ("success", "failure", "429", 503, "DEFAULT", "ERROR")] == [
        *(200, 500, 429, 503, 200, 500)
    ]
    assert [status(v) for v in (0, 7, "", "maybe", None, True)] == [None] * 6
    assert [success(v) for v in (1, 0, 1.0, "false", True)] == [200, 500, 200, 500, 200]


def test_categories_of_usage_are_summed_only_where_the_total_says_that_they_are_parts() -> None:
    apart = {"input": 684, "input_cached_tokens": 128, "output": 96, "output_reasoning_tokens": 310}
    assert (usage_input({**apart, "total": 1218}), usage_output({**apart, "total": 1218})) == (
        812,
        406,
    )
    within = {"input": 812, "input_cached_tokens": 128, "output": 406, "total": 1218}
    assert (usage_input(within), usage_output(within)) == (812, 406)
    assert (usage_input({"input": 3}), usage_output({"input": 3})) == (3, None)
    assert (usage_input({}), usage_input("812")) == (None, None)


def test_of_a_forwarding_list_the_last_that_is_no_private_address_is_the_client_s() -> None:
    assert client("203.0.113.7") == "203.0.113.7"
    assert client("203.0.113.7, 10.0.0.1, 192.168.1.1") == "203.0.113.7"
    assert client("198.51.100.1, 203.0.113.7") == "203.0.113.7"  # the first was invented
    assert client("203.0.113.7, 198.51.100.1", hops=2) == "203.0.113.7"
    assert client("10.0.0.9") == "10.0.0.9"
    assert client("unknown, -") is None
    assert client("[2001:db8::1]:443, fd00::1") == "[2001:db8::1]:443"


def test_what_is_a_digest_already_is_not_digested_again() -> None:
    made = KEYS.digest("prompt", "hello")
    assert fingerprint(KEYS, "prompt")(made) == made
    assert fingerprint(KEYS, "prompt")("hello") == made
    assert hmac(KEYS, "prompt")(made) != made


RECORDS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "x"]),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner) | st.lists(inner, max_size=2),
        max_leaves=6,
    ),
)


@given(RECORDS)
@pytest.mark.parametrize(
    "text", ["a", "a.b", "a.b.c", "a || b", "a.b || c.a || `1`", '"a"."b" || \'x\'']
)
def test_plain_paths_say_what_jmespath_says(text: str, record: dict[str, object]) -> None:
    assert compile_expression(text).read(record) == jmespath.search(text, record)
