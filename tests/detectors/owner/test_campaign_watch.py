"""What was found about campaigns as wholes ends, whoever found it: stale, or no longer to be heard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import msgspec

from detectors.campaigns.fusion import Fusion
from detectors.config import Config
from detectors.contract.alert import Alert
from detectors.interface.detector import Card, Context, Evidence, Window
from detectors.interface.tunable import on_trial
from detectors.owner.owner import CampaignOwner
from tests.detectors.state.test_checkpoint import Log
from tests.owner_stories import BASE, Story, check, owner_of
from tests.small_detectors import Busy, said_by

PLAIN = Config(fusion=Fusion(regroup_minutes=1))
FOUND_ABOUT = 20  # accounts on one card


@dataclass(frozen=True)
class Large(Busy):
    """Says once that a campaign is large."""

    shadow: bool = on_trial()
    card: ClassVar[Card] = msgspec.structs.replace(
        Busy.card, name="large", entity="campaign", reads=("size",)
    )

    def observe(
        self, memory: list[float], window: Window, context: Context
    ) -> tuple[Evidence, ...] | None:
        memory[0] += 1.0
        large = window.values["size"] >= FOUND_ABOUT and memory[0] == 1.0
        return (said_by(self.card, window.values["size"], 3.0, window.end),) if large else ()


WITH = replace(PLAIN, detectors=(*PLAIN.detectors, Large()))
TRIAL = replace(PLAIN, detectors=(*PLAIN.detectors, Large(shadow=True)))


def to(owner: CampaignOwner, tick: int) -> list[Alert]:
    """Let all sources pass a tick of the story's."""
    for source in (0, 1):
        owner.watermark(source, BASE + tick)
    alerts = owner.advance()
    for alert in alerts:
        check(alert)
    return alerts


def restarted(owner: CampaignOwner, config: Config) -> CampaignOwner:
    log = Log()
    log.keep(owner.checkpoint())
    fresh = owner_of(config)
    kept = fresh.restoration()
    fresh.restore(kept, log.read_into(kept))
    return fresh


def told() -> tuple[CampaignOwner, str]:
    """An owner whose detector has found something about a campaign, and the campaign."""
    story = Story("0 key payment_fp:1 1-20\n0 key ip_prefix_fp:1 1-20\n1 end")
    owner = owner_of(WITH)
    for tick in sorted(story.said):
        story.say(owner, tick)
    to(owner, 130)
    (campaign,) = owner.books.campaigns.campaigns
    assert [e.detector for e in owner.books.watch.evidence(campaign)] == ["large.v1"]
    return owner, campaign


def test_evidence_about_a_campaign_goes_stale_when_nothing_runs_there_any_more() -> None:
    owner, campaign = told()
    alone = restarted(owner, PLAIN)
    for one in (owner, alone):
        to(one, 20 * 60)
        assert [e.detector for e in one.books.watch.evidence(campaign)] == ["large.v1"]
        to(one, 28 * 60)
        assert one.books.watch.evidence(campaign) == ()


def test_a_detector_that_comes_on_trial_is_not_heard_about_campaigns_from_the_restart_on() -> None:
    owner, campaign = told()
    trial = restarted(owner, TRIAL)
    assert trial.books.watch.evidence(campaign) == ()
    for one, said in ((owner, True), (trial, False)):
        (alert,) = [a for a in to(one, 20 * 60) if a.kind == "network" and a.mode == "replay"]
        assert ("large.v1" in {e.detector for e in alert.evidence}) == said
