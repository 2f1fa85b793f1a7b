"""What the campaign owner holds and advises is what Prometheus shows, while it owns the campaigns."""

import re
import time
from dataclasses import replace

import numpy as np
import pytest
from prometheus_client import generate_latest

from detectors.births import KeyBirths
from detectors.config import load_config
from detectors.contract.alert import Trace
from detectors.owner.owner import CampaignOwner
from streams.observe.metrics import Metrics
from streams.observe.owner_gauges import OwnerGauges
from tests.configurations import replacing
from tests.streams.observe.series import TICK, shown


def test_the_campaign_owner_shows_what_it_holds_and_how_far_behind_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics = Metrics()
    monkeypatch.setattr(time, "time", lambda: (TICK + 30) * 60.0)
    loaded = load_config()
    owner = CampaignOwner(loaded.config, 1, Trace(version="v", config_digest=loaded.digest))
    gauges = OwnerGauges(metrics, "evidence", owner)
    gauges.update(owner)
    gauges.measure(owner)
    assert shown(metrics, "watermark_delay_seconds", stage="owner", partition="0") is None
    for tick in (TICK, TICK + 9):
        gauges.heard(tick)
        owner.watermark(0, tick)
    owner.advance()
    owner.books.names.evicted += 5
    owner.alerts.held_back += 2
    owner.alerts.budget.cap()
    gauges.update(owner)
    gauges.measure(owner)
    assert shown(metrics, "ticks_closed_total", stage="owner") == 10
    assert shown(metrics, "watermark_delay_seconds", stage="owner", partition="0") == 20 * 60
    assert shown(metrics, "entities", kind="campaign", partition="0") == 0
    assert shown(metrics, "evictions_total", kind="name") == 5
    assert shown(metrics, "evictions_total", kind="alert_refused") == 2
    known = next(iter(metrics.entities.collect())).samples
    names = {name for name in owner.sizes() if not name.endswith(("_evicted", "_back"))}
    assert len(known) == len(names - {"largest_campaign"})
    assert np.isfinite([sample.value for sample in known]).all()


def on_trial() -> CampaignOwner:
    """A live owner with a detector on trial, so with two budgets of advice."""
    plain = load_config().config
    rules = replacing(plain, replace(plain.of(KeyBirths), shadow=True))
    return CampaignOwner(rules, 1, Trace(version="v", config_digest="sha256:0"), mode="live")


def test_alerts_capped_and_advice_left_are_told_apart_by_mode() -> None:
    metrics, owner = Metrics(), on_trial()
    gauges = OwnerGauges(metrics, "evidence", owner)
    gauges.measure(owner)
    budget = load_config().config.alerts.advice_budget_per_hour
    for mode in ("live", "shadow"):
        assert shown(metrics, "advice_capped_total", mode=mode) == 0
        assert shown(metrics, "advice_left", mode=mode, partition="0") == budget
    owner.alerts.budget.cap()
    owner.alerts.budget.spend(owner.closed)
    for _ in range(2):  # the second time nothing is new
        gauges.measure(owner)
        assert shown(metrics, "advice_capped_total", mode="live") == 1
        assert shown(metrics, "advice_left", mode="live", partition="0") == budget - 1
        assert shown(metrics, "advice_capped_total", mode="shadow") == 0
        assert shown(metrics, "advice_left", mode="shadow", partition="0") == budget


def test_a_worker_that_owns_the_campaigns_no_more_shows_nothing_of_them() -> None:
    metrics, owner = Metrics(), on_trial()
    gauges = OwnerGauges(metrics, "evidence", owner)
    gauges.measure(owner)
    assert owners(metrics) >= {"advice_left", "largest_campaign_accounts", "entities"}
    gauges.release()
    assert owners(metrics) == set()
    gauges.measure(owner)  # a task that was under way
    assert owners(metrics) == set()


def owners(metrics: Metrics) -> set[str]:
    """The gauges shown that only the campaign owner has."""
    text = generate_latest(metrics.registry).decode()
    return set(re.findall(r'^hydrawatch_(\w+)\{[^}]*partition="0"', text, re.MULTILINE))
