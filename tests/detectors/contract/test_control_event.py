import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from detectors.campaigns.controls import ControlBook, Written
from detectors.contract.control_event import ControlEvent
from detectors.decode.control_events import RejectedControl, decode_control
from detectors.decode.rejects import REASONS
from detectors.interface.clock import MINUTE_MS
from tests.owner_stories import HASH_KEY, account, org
from tests.places import CONTRACT

SCHEMA = json.loads((CONTRACT / "control-event.v1.schema.json").read_text())
CONTRACT = Draft202012Validator(SCHEMA)
KINDS = SCHEMA["properties"]["kind"]["enum"]
FAMILIES = SCHEMA["properties"]["families"]["items"]["enum"]
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(-2, 2), st.sampled_from(["", "x"]),
    st.just([]), st.just({}), st.just(3.0), st.just(["volume"]),
)  # fmt: skip
GOOD = {
    "control_id": st.text(max_size=5),
    "kind": st.sampled_from(KINDS),
    "at": st.integers(-(2**62), 2**62),
    "until": st.none() | st.integers(0, 2**62),
    "account_id": st.none() | st.text(max_size=3),
    "org_id": st.none() | st.text(max_size=3),
    "campaign_id": st.none() | st.text(max_size=3),
    "alert_id": st.none() | st.text(max_size=3),
    "action": st.sampled_from(SCHEMA["properties"]["action"]["enum"]),
    "model": st.none() | st.text(max_size=3),
    "families": st.lists(st.sampled_from([*FAMILIES, *FAMILIES, "odd"]), max_size=3),
    "verdict": st.sampled_from(SCHEMA["properties"]["verdict"]["enum"]),
    "field": st.none() | st.text(max_size=3),
    "value_fp": st.none() | st.text(max_size=3),
    "confidence": st.floats(-0.2, 1.2),
    "from_epoch": st.none() | st.integers(0, 9),
    "to_epoch": st.none() | st.integers(0, 9),
    "note": st.none() | st.text(max_size=3) | st.just("x" * 501),
    "revision": st.integers(-1, 4),
    "recorded_at": st.integers(-2, 2**62),
    "unheard_of": ODD,
}


@st.composite
def events(draw: st.DrawFn) -> dict[str, object]:
    event: dict[str, object] = {}
    for name, good in GOOD.items():
        if draw(st.integers(0, 9)) < (9 if name in ("control_id", "kind", "at") else 6):
            event[name] = draw(good if draw(st.integers(0, 19)) else ODD)
    return event


@settings(max_examples=1500)
@given(event=events())
def test_the_verdict_on_an_event_is_the_contracts(event: dict[str, object]) -> None:
    verdict = decode_control(json.dumps(event).encode(), None)
    assert isinstance(verdict, ControlEvent) == CONTRACT.is_valid(event), verdict


@pytest.mark.parametrize("example", SCHEMA["examples"], ids=lambda e: e["kind"])
def test_the_contracts_examples_are_read(example: dict[str, object]) -> None:
    event = decode_control(json.dumps(example).encode(), 5)
    assert isinstance(event, ControlEvent)
    assert event.control_id == example["control_id"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "null_value"),
        (b"", "not_json"),
        (b'{"at":NaN}', "not_json"),
        (b"\xff{}", "not_utf8"),
        (b"[1]", "not_object"),
        (b"[" * 40 + b"]" * 40, "too_deep"),
        (b'{"control_id":"c","kind":"feedback","at":1e999}', "wrong_type"),
        (b" " * 70_000, "too_large"),
        (b'{"control_id":"c","kind":"feedback"}', "missing_property"),
        (b'{"control_id":1,"kind":"feedback","at":1}', "wrong_type"),
        (b'{"control_id":"c","kind":"other","at":1}', "out_of_range"),
    ],
)
def test_a_record_that_is_no_event_is_a_value_with_its_reason(raw: bytes, reason: str) -> None:
    rejected = decode_control(raw, None)
    assert isinstance(rejected, RejectedControl)
    assert rejected.reason == reason
    assert reason in REASONS  # which docs/events.md explains, and which label the metric
    assert rejected.message


def test_an_event_without_recorded_at_takes_the_records_time_and_in_a_replay_its_own() -> None:
    raw = b'{"control_id":"c","kind":"model_release","at":7,"model":"m"}'
    live, replayed = decode_control(raw, 99), decode_control(raw, None)
    assert isinstance(live, ControlEvent)
    assert isinstance(replayed, ControlEvent)
    assert (live.recorded_at, replayed.recorded_at) == (99, 7)


def allow(revision: int, at: int, until: int, **who: str) -> ControlEvent:
    return ControlEvent(
        "c", "allowance", at * MINUTE_MS, at * MINUTE_MS, revision, until * MINUTE_MS,
        families=("identity",), **(who or {"account_id": "a1"}),
    )  # type: ignore[arg-type]  # fmt: skip


def book_of(*events_: ControlEvent, open_tick: int = 0) -> ControlBook:
    book = ControlBook(HASH_KEY, 1000)
    for event in events_:
        book.accept(event, open_tick)
    return book


def test_an_event_holds_from_the_first_tick_after_both_its_times_and_never_backwards() -> None:
    late = ControlEvent("c", "model_release", 10 * MINUTE_MS + 1, 20 * MINUTE_MS, model="m")
    assert book_of(late).log == [Written("c", 1, 20)]
    early = ControlEvent("c", "model_release", 10 * MINUTE_MS + 1, 0, model="m")
    assert book_of(early).log == [Written("c", 1, 11)]
    assert book_of(early, open_tick=500).log == [Written("c", 1, 500)]


def test_a_restart_takes_the_tick_that_was_written_down() -> None:
    book = ControlBook(HASH_KEY, 1000)
    book.restore_log([Written("c", 1, 42)])
    book.accept(allow(1, 5, 900), open_tick=300)
    assert book.log == [Written("c", 1, 42)]
    book.refresh(42)
    assert book.allowances


def test_the_highest_revision_in_effect_holds_in_whatever_order_they_are_read() -> None:
    first, second = allow(1, 10, 900), allow(2, 20, 900, account_id="a2")
    for book in (book_of(first, second), book_of(second, first)):
        book.refresh(15)
        assert book.allowed(account(1), 0) == {"identity"}
        book.refresh(20)
        assert book.allowed(account(1), 0) == frozenset()
        assert book.allowed(account(2), 0) == {"identity"}


def test_an_event_read_twice_changes_nothing() -> None:
    book = book_of(allow(1, 10, 90))
    assert book.accept(allow(1, 10, 90), 400) == ()
    assert book.log == [Written("c", 1, 10)]


def test_an_allowance_ends_and_is_forgotten_when_its_retention_is_over() -> None:
    book = book_of(allow(1, 10, 90, org_id="o3"))
    book.refresh(89)
    assert book.allowed(account(1), org(3)) == {"identity"}
    book.refresh(90)
    assert not book.allowances
    assert book.in_effect(90)
    book.refresh(2000)
    assert not book.in_effect(2000)
    assert book.log == []


def test_events_that_do_not_act_yet_are_kept_and_counted() -> None:
    event = ControlEvent("f", "feedback", 0, 0, verdict="false_positive", alert_id="acc-1")
    book = book_of(event)
    assert not book.refresh(5)
    assert book.in_effect(5) == [event]
    assert book.counts == {"feedback": 1}
