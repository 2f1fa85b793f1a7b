from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from detectors.alerts.lifecycle import Lifecycle, LiveAlert, Standing
from detectors.contract.alert import OBSERVE, RESTRICT, THROTTLE, VERIFY, Alert, Trace

RULES = Lifecycle()
OPENS = RULES.open_nats
HOUR = 60


def alert(**more: Any) -> Alert:
    fields: dict[str, Any] = {
        "alert_id": "acc-1", "revision": 1, "kind": "account", "account_id": "a", "role": "core",
        "campaign_id": "camp-1", "state": "open", "as_of": 60_000, "severity": "low",
        "confidence": 0.5, "action": "observe", "action_ttl_s": None, "families": ("identity",),
        "evidence": (), "explanation": "", "suspected": "unknown", "mode": "replay",
        "trace": Trace("0", "0"),
    }  # fmt: skip
    return Alert(**{**fields, **more})


def live(action: int = VERIFY, **more: Any) -> LiveAlert:
    return LiveAlert(alert(**more), opened=0, sent=0, action=action, severity=1)


def standing(action: int = VERIFY, score: float = 20.0, **more: Any) -> Standing:
    fields = {"families": ("identity",), "campaign": "camp-1", "role": "core", "severity": 1}
    return Standing(score=score, action=action, **{**fields, **more})


def decide(now: LiveAlert | None, then: Standing, tick: int) -> tuple[str | None, int, bool]:
    decision = RULES.decide(now, then, tick, opens_at=OPENS)
    return decision.state, decision.action, decision.held


def test_an_alert_opens_when_its_score_passes_the_threshold_and_not_before() -> None:
    assert decide(None, standing(score=OPENS), 5)[0] == "open"
    assert decide(None, standing(score=OPENS - 0.1), 5)[0] is None


def test_rising_is_immediate() -> None:
    assert decide(live(THROTTLE), standing(RESTRICT), 1) == ("escalated", RESTRICT, False)
    assert decide(live(), standing(severity=3), 1)[0] == "escalated"


def test_falling_waits_for_the_hysteresis() -> None:
    falling = live(RESTRICT)
    wait = int(RULES.step_down_hours * HOUR)
    assert decide(falling, standing(THROTTLE), 10)[0] is None
    assert decide(falling, standing(THROTTLE), 10 + wait - 1)[0] is None
    assert decide(falling, standing(THROTTLE), 10 + wait) == ("updated", THROTTLE, False)


def test_a_dip_that_recovers_starts_the_hysteresis_anew() -> None:
    dipping = live(RESTRICT)
    wait = int(RULES.step_down_hours * HOUR)
    decide(dipping, standing(THROTTLE), 10)
    decide(dipping, standing(RESTRICT), wait)
    assert decide(dipping, standing(THROTTLE), 10 + wait)[0] is None


def test_advice_is_renewed_before_it_lapses_with_the_content_that_justified_it() -> None:
    renewed = RULES.renew_ticks
    assert renewed * 60 < RULES.action_ttl_s
    assert decide(live(), standing(), renewed - 1)[0] is None
    assert decide(live(), standing(), renewed) == ("updated", VERIFY, False)
    lower = live()
    lower.lower_since = renewed - 5
    assert decide(lower, standing(THROTTLE), renewed) == ("updated", VERIFY, True)


def test_observation_needs_no_renewal() -> None:
    assert decide(live(OBSERVE), standing(OBSERVE), 100_000)[0] is None


def test_stale_evidence_resolves_after_its_hours_and_fresh_evidence_stops_the_count() -> None:
    gone = Standing(score=-99, action=OBSERVE, severity=0)
    ends = int(RULES.resolve_hours * HOUR)
    stale = live(OBSERVE)
    assert decide(stale, gone, 0)[0] is None
    assert decide(stale, standing(OBSERVE), 5)[0] is None
    assert decide(stale, gone, 10)[0] is None
    assert decide(stale, gone, ends)[0] is None
    assert decide(stale, gone, ends + 10)[0] == "resolved"


def test_an_allowance_retracts_at_once_and_lowers_without_waiting() -> None:
    assert decide(live(), standing(score=OPENS - 1, withdrawn=True), 1)[0] == "retracted"
    assert decide(live(), standing(THROTTLE, withdrawn=True), 1) == ("updated", THROTTLE, False)


def test_material_changes_wait_for_the_update_interval_but_a_new_campaign_does_not() -> None:
    wait = int(RULES.update_hours * HOUR)
    other = standing(OBSERVE, families=("content", "identity"))
    assert decide(live(OBSERVE), other, wait - 1)[0] is None
    assert decide(live(OBSERVE), other, wait)[0] == "updated"
    assert decide(live(OBSERVE), standing(OBSERVE, campaign="camp-2"), 1)[0] == "updated"


STANDINGS = st.lists(
    st.tuples(
        st.integers(1, 900),
        st.integers(0, 4),
        st.sampled_from([-99.0, -8.0, -3.0, 5.0, 30.0]),
        st.integers(0, 4),
    ),
    max_size=30,
)


@given(steps=STANDINGS)
def test_an_action_never_lapses_while_it_stands_if_every_due_tick_is_looked_at(steps) -> None:
    tick, state = 0, live(VERIFY)
    now = standing()
    for gap, action, score, severity in steps:
        until = tick + gap
        while True:
            due = RULES.next_due(state, now, tick)
            if not 0 <= due < until:
                break
            tick = due
            if _apply(state, now, tick):
                return
        tick, now = until, standing(action, score, severity=severity)
        if _apply(state, now, tick):
            return
        assert state.action == OBSERVE or (tick - state.sent) * 60 < RULES.action_ttl_s


def _apply(state: LiveAlert, now: Standing, tick: int) -> bool:
    decision = RULES.decide(state, now, tick, opens_at=OPENS)
    if decision.state in ("resolved", "retracted"):
        return True
    if decision.state is not None:
        state.sent, state.action, state.severity = tick, decision.action, decision.severity
        if not decision.held:
            state.lower_since = -1
    return False
