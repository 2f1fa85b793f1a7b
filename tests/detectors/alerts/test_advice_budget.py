"""Beyond the hour's budget new advice waits at observe, says so, and follows when there is room."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.alerts.advice_budget import Advice
from detectors.alerts.lifecycle import Lifecycle
from detectors.campaigns.fusion import Fusion
from detectors.config import Config
from detectors.contract.alert import Alert
from detectors.interface.clock import MINUTE_MS
from tests.detectors.state.test_checkpoint import Log
from tests.owner_stories import BASE, Story, canonical, owner_of

HYDRA = (
    "10 key payment_fp:1 1-20\n10 key device_fp:1 1-20\n10 key template:1 1-20\n"
    "10 key ip_prefix_fp:1 1-20\n{end} end"
)
RANK = ("observe", "throttle", "verify", "restrict", "suspend")


def told(per_hour: int, end: int = 1200, share: float = 0.0) -> list[Alert]:
    rules = Lifecycle(advice_budget_per_hour=per_hour, advice_budget_share=share)
    config = Config(fusion=Fusion(regroup_minutes=1), alerts=rules)
    return Story(HYDRA.format(end=end)).tell(config)


def rises(alerts: list[Alert]) -> Counter[int]:
    """Account revisions that advise more than the one before, by hour of event time."""
    standing: dict[str, str] = {}
    found: Counter[int] = Counter()
    for alert in alerts:
        if alert.kind == "account":
            before = standing.get(alert.alert_id, "observe")
            if RANK.index(alert.action) > RANK.index(before):
                found[(alert.as_of // MINUTE_MS - 1) // 60] += 1
            standing[alert.alert_id] = alert.action
    return found


def last(alerts: list[Alert]) -> dict[str, Alert]:
    return {a.account_id or a.campaign_id or "": a for a in alerts}


@settings(max_examples=20)
@given(st.integers(0, 25))
def test_no_hour_sees_more_new_advice_than_its_budget(per_hour: int) -> None:
    found = rises(told(per_hour))
    assert max(found.values(), default=0) <= per_hour
    assert bool(found) == bool(per_hour)


def test_all_alerts_come_to_what_they_are_without_a_budget_once_there_is_room() -> None:
    free, tight = told(500), told(7)
    wanted = {a: (x.action, x.severity) for a, x in last(free).items()}
    assert {a: (x.action, x.severity) for a, x in last(tight).items()} == wanted
    assert {action for action, _ in wanted.values()} == {"suspend"}
    assert sum(rises(tight).values()) == sum(rises(free).values()) == 20
    assert sorted(rises(tight).values()) == [6, 7, 7]
    escalated = [a for a in tight if a.state == "escalated" and a.action == "suspend"]
    assert all("budget" not in a.explanation for a in escalated)


def test_a_capped_alert_opens_at_observe_and_says_what_was_due() -> None:
    opened = [a for a in told(7, end=20) if a.kind == "account"]
    capped = [a for a in opened if a.action == "observe"]
    assert (len(opened), len(capped)) == (20, 13)
    for alert in capped:
        assert alert.counter_evidence[0].startswith("the budget of advice for this hour is spent")
        assert alert.counter_evidence[0] in alert.explanation
        assert alert.action_ttl_s is None
        assert alert.severity == opened[0].severity


def test_without_any_budget_a_network_advises_nothing_either() -> None:
    assert {a.action for a in told(0)} == {"observe"}


@pytest.mark.parametrize(("share", "within"), [(0.5, 10), (1.0, 20)])
def test_a_share_of_the_known_accounts_raises_the_budget_of_a_large_platform(
    share: float, within: int
) -> None:
    assert rises(told(1, end=30, share=share))[(BASE + 10) // 60] == within


def test_what_was_spent_is_part_of_the_kept_state() -> None:
    rules = Lifecycle(advice_budget_per_hour=7, advice_budget_share=0.0)
    config = Config(fusion=Fusion(regroup_minutes=1), alerts=rules)
    story = Story(HYDRA.format(end=1200))
    for cut in (15, 45, 101):
        owner = owner_of(config)
        alerts = []
        for tick in sorted({*story.said, BASE + cut, BASE + 1200}):
            story.say(owner, tick)
            for source in (0, 1):
                owner.watermark(source, tick)
            alerts += owner.advance()
            if tick == BASE + cut:
                log = Log()
                log.keep(owner.checkpoint())
                owner = owner_of(config)
                kept = owner.restoration()
                owner.restore(kept, log.read_into(kept))
        assert canonical(alerts) == canonical(story.tell(config))


def test_how_many_were_capped_is_counted_once_each() -> None:
    rules = Lifecycle(advice_budget_per_hour=7, advice_budget_share=0.0)
    config = replace(Config(fusion=Fusion(regroup_minutes=1)), alerts=rules)
    owner = owner_of(config)
    story = Story(HYDRA.format(end=1200))
    for tick in story.said:
        story.say(owner, tick)
    for source in (0, 1):
        owner.watermark(source, BASE + 20)
    owner.advance()
    assert owner.advice() == {"replay": Advice(left=0, capped=13)}
    for source in (0, 1):
        owner.watermark(source, BASE + 1200)
    owner.advance()
    assert owner.advice() == {"replay": Advice(left=7, capped=13)}
