"""Drift: lasting changes are found, with what changed from what to what and since when; noise is not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import msgspec
import numpy as np
import orjson
import pytest

from detectors.config import load_config
from detectors.drift import AccountDrift, ModelDrift
from detectors.drift_course import FOLLOWED
from detectors.engine import Engine
from detectors.interface.detector import Context, Evidence, Window
from detectors.testing.checks import Scenario, check_detector
from tests.detectors.state.test_checkpoint import Log, stages
from tests.stage_stories import DAY, KEY, MINUTE, START, request

DRIFT = AccountDrift()
FEATURES = [followed.feature for followed in FOLLOWED]


def day(number: int, requests: float, **values: float) -> Window:
    start = START + number * DAY
    return Window(start, start + DAY, {"day_requests": requests, **values})


def scenario(
    name: str, seed: int, shift: Callable[[int], float], drifts: bool, noise: float = 0.2
) -> Scenario:
    """Sixty days; the output per input moves by `shift` (in logs) from day to day."""
    rng = np.random.default_rng(seed)
    windows = []
    for number in range(60):
        ratio = math.exp(-0.5 + shift(number) + rng.normal(0, noise))
        values = {
            "day_output_input_ratio": ratio,
            "day_template_entropy": 1.5 + rng.normal(0, 0.2),
            "day_capability_entropy": 1.0 + rng.normal(0, 0.1),
        }
        windows.append(day(number, 80.0, **values))
    labels = tuple(drifts and 30 <= number < 36 for number in range(60))
    return Scenario(name, tuple(windows), (Context(),) * 60, labels)


def steady(_: int) -> float:
    return 0.0


def pivot(number: int) -> float:
    return 1.5 if number >= 30 else 0.0


SCENARIOS = (
    scenario("steady", 1, steady, drifts=False),
    scenario("noisy", 2, steady, drifts=False, noise=0.6),
    scenario("weekly", 3, lambda n: 0.4 * (n % 7 >= 5), drifts=False),
    scenario("pivot", 4, pivot, drifts=True),
    scenario("another pivot", 5, lambda n: -pivot(n), drifts=True),
)


@pytest.mark.parametrize("detector", [AccountDrift(), ModelDrift()], ids=["account", "model"])
def test_drift_passes_every_check(detector: AccountDrift) -> None:
    check_detector(detector, SCENARIOS)


def told(given: Scenario) -> list[Evidence]:
    memory = DRIFT.fresh()
    return [e for w in given.windows for e in DRIFT.observe(memory, w, Context()) or ()]


def test_evidence_says_what_changed_from_what_to_what_and_since_when() -> None:
    (said,) = told(SCENARIOS[3])
    assert said.parameter == "output_tokens_per_input_token"
    assert said.window_start == START + 30 * DAY
    assert said.expected == pytest.approx(math.exp(-0.5), rel=0.25)
    assert said.observed == pytest.approx(math.exp(1.0), rel=0.25)


def test_what_a_use_has_become_is_its_new_past() -> None:
    back = scenario("there and back", 6, lambda n: 1.5 if 20 <= n < 40 else 0.0, drifts=True)
    rise, fall = told(back)
    assert rise.observed > rise.expected
    assert fall.observed < fall.expected
    assert fall.expected == pytest.approx(rise.observed, rel=0.3)


def test_one_wild_day_is_no_drift() -> None:
    wild = scenario("one day", 7, lambda n: 4.0 if n == 30 else 0.0, drifts=False)
    assert told(wild) == []


def test_a_steady_use_drifts_about_as_often_as_its_surprise_says() -> None:
    rng = np.random.default_rng(8)
    days = false = 0
    for _ in range(120):
        memory = DRIFT.fresh()
        for number in range(60):
            values = {
                "day_output_input_ratio": math.exp(rng.normal(0, 0.3)),
                "day_template_entropy": 1.5 + rng.normal(0, 0.3),
                "day_capability_entropy": 1.0 + rng.normal(0, 0.2),
            }
            days += 1
            false += len(DRIFT.observe(memory, day(number, 80.0, **values), Context()) or ())
    assert false <= 3 * days * math.exp(-DRIFT.min_surprise) + 3


def test_quiet_days_and_missing_values_teach_nothing() -> None:
    one, other = DRIFT.fresh(), DRIFT.fresh()
    for number, window in enumerate(SCENARIOS[0].windows):
        DRIFT.observe(one, window, Context())
        DRIFT.observe(other, window, Context())
        quiet = day(number, 3.0, **dict.fromkeys(FEATURES, 9.0))
        assert DRIFT.observe(other, quiet, Context()) == ()
        DRIFT.observe(other, day(number, 80.0), Context())
        DRIFT.observe(other, day(number, 80.0, day_output_input_ratio=0.0), Context())
    assert DRIFT.dump(one) == DRIFT.dump(other)


def test_a_kept_memory_goes_by_the_thresholds_of_today() -> None:
    memory = DRIFT.fresh()
    for window in SCENARIOS[0].windows[:20]:
        DRIFT.observe(memory, window, Context())
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(DRIFT.dump(memory)))
    strict = AccountDrift(min_surprise=1.0)
    again = strict.restore(kept)
    assert again is not None
    assert again[FEATURES[0]].test.threshold == strict.fresh()[FEATURES[0]].test.threshold
    assert again[FEATURES[0]].past.count == 20


def events(
    drifts: set[str], accounts: int, model: Callable[[int], str] = lambda _: "large-5"
) -> list[bytes]:
    """Twenty-four days of 60 requests an account; those in `drifts` answer longer from day 14 on."""
    rng = np.random.default_rng(9)
    made = []
    for number in range(24):
        for n in range(accounts):
            name = f"a-{n}"
            longer = 12 if name in drifts and number >= 14 else 1
            for i in range(60):
                at = START + number * DAY + i * 24 * MINUTE + n
                tokens = {
                    "input_tokens": 500,
                    "output_tokens": int(200 * longer * rng.uniform(0.8, 1.2)),
                }
                key = f"{name}-{number}-{i}"
                asked = request(0, at, name, event_id=key, model=model(n), **tokens)
                made.append((at, orjson.dumps(asked)))
    return [value for _, value in sorted(made)]


def alerts_of(values: list[bytes]) -> tuple[list[dict[str, object]], Engine]:
    engine = Engine(load_config("[engine]\npartitions = 2\n"), KEY)
    alerts = engine.feed(engine.decode(values)) + engine.drain()
    return [orjson.loads(msgspec.json.encode(a)) for a in alerts], engine


def test_an_account_that_drifts_alone_is_told_and_where_all_on_its_model_do_that_speaks_against_it() -> (
    None
):
    alone, _ = alerts_of(events({"a-0"}, 40))
    (alert,) = [a for a in alone if a["account_id"] == "a-0" and a["state"] == "open"]
    assert [e["parameter"] for e in alert["evidence"]] == ["output_tokens_per_input_token"]  # type: ignore[attr-defined]
    assert {a["account_id"] for a in alone} == {"a-0"}
    assert re.search(r"Output tokens per input token: \S+ since 2026-05-08, where", str(alert))
    assert "model" not in "".join(alert["counter_evidence"])  # type: ignore[arg-type]

    everybody, engine = alerts_of(events({f"a-{n}" for n in range(40)}, 40))
    (group,) = engine.owner.groups_found()
    assert (group.entity, group.name, group.share) == ("model", "large-5", 1.0)
    assert group.evidence.window_start == START + 14 * DAY
    opened = [a for a in everybody if a["state"] == "open"]
    assert opened
    excused = [a for a in opened if any("model large-5" in c for c in a["counter_evidence"])]  # type: ignore[attr-defined]
    assert len(excused) == len(opened)


def doubts(alerts: list[dict[str, object]], account: str) -> str:
    """What speaks against an account's alert, which is open."""
    (alert,) = [a for a in alerts if a["account_id"] == account and a["state"] == "open"]
    return str(alert["counter_evidence"])


def test_what_all_on_a_model_did_excuses_nobody_on_another_nor_whoever_moved_it() -> None:
    large = {f"a-{n}" for n in range(15)}
    values = events(large | {"a-15"}, 30, lambda n: "large-5" if n < 15 else "small-2")
    alerts, engine = alerts_of(values)
    # One of fifteen, with half of the words, has moved the small model by itself.
    assert {group.name for group in engine.owner.groups_found()} == {"large-5", "small-2"}
    assert "all who use the model large-5" in doubts(alerts, "a-0")
    assert "model" not in doubts(alerts, "a-15")


def test_drift_is_found_alike_through_restarts_at_any_place() -> None:
    values = events({"a-0"}, 6)
    expected, _ = alerts_of(values)
    assert expected
    engine, alerts = Engine(load_config("[engine]\npartitions = 2\n"), KEY), []
    logs = [Log() for _ in stages(engine)]
    for at in range(0, len(values), 617):
        alerts += engine.feed(engine.decode(values[at : at + 617]))
        for stage, log in zip(stages(engine), logs, strict=True):
            log.keep(stage.checkpoint())
        engine = Engine(load_config("[engine]\npartitions = 2\n"), KEY)
        for stage, log in zip(stages(engine), logs, strict=True):
            kept = stage.restoration()
            stage.restore(kept, log.read_into(kept))
    alerts += engine.drain()
    assert [orjson.loads(msgspec.json.encode(a)) for a in alerts] == expected
