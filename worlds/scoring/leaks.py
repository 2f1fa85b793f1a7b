"""What an attack got away with: per campaign until its first alert, per account until it is named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worlds.scoring.ledger import Ledger
from worlds.scoring.sightings import AttackEvents
from worlds.scoring.who import Campaign, Who

Mask = npt.NDArray[np.bool_]

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class CampaignScore:
    """How one campaign fared. Shares are of its requests; times are event time.

    `before_alert`: requests before the first alert that advises to act on one of its accounts.
    `before_named`: requests that an account made while it was not named itself. `named`: accounts
    that stand named in the end. `ids`: campaign_ids that alerts gave to its accounts.
    `share_of_traffic`: its requests among all of the world's; `share_of_accounts`: among all that
    its accounts sent.
    """

    campaign: str
    scenario: str
    accounts: int
    requests: int
    share_of_traffic: float
    share_of_accounts: float
    named: int
    ids: int
    detect_hours: float | None
    before_alert: float
    before_named: float

    @property
    def recall(self) -> float:
        """The share of its accounts that stand named in the end."""
        return self.named / self.accounts if self.accounts else 0.0


def campaign_scores(who: Who, events: AttackEvents, ledger: Ledger) -> tuple[CampaignScore, ...]:
    """Score every campaign of a world."""
    at_large = unnamed(who, events, ledger)
    place = {name: at for at, name in enumerate(events.accounts)}
    return tuple(
        _score(who, campaign, events, ledger, at_large, place) for campaign in who.campaigns
    )


def first_alert(who: Who, campaign: Campaign, ledger: Ledger) -> int | None:
    """When one of the campaign's accounts was first, and rightly, advised to be acted on."""
    times = [
        start
        for account in campaign.accounts
        for start, _ in ledger.spells.get(account, ())
        if who.guilty(account, start)
    ]
    return min(times, default=None)


def unnamed(who: Who, events: AttackEvents, ledger: Ledger) -> Mask:
    """Which events their account made while it was not named, or no longer."""
    free = np.ones(len(events), dtype=np.bool_)
    bounds = np.searchsorted(events.account, np.arange(len(events.accounts) + 1))
    for at, account in enumerate(events.accounts):
        for start, end in ledger.spells.get(account, ()):
            if not who.guilty(account, start):
                continue
            times = events.time[bounds[at] : bounds[at + 1]]
            first, last = np.searchsorted(times, [start, end])
            free[bounds[at] + first : bounds[at] + last] = False
    return free


def events_of(who: Who, campaign: Campaign, events: AttackEvents, place: dict[str, int]) -> Mask:
    """Which events are the campaign's: its accounts', each from its first request for it on."""
    since = np.full(len(events.accounts), _NEVER)
    for account in campaign.accounts:
        if account in place:
            since[place[account]] = who.since[account]
    mask: Mask = events.time >= since[events.account]
    return mask


def _score(
    who: Who,
    campaign: Campaign,
    events: AttackEvents,
    ledger: Ledger,
    at_large: Mask,
    place: dict[str, int],
) -> CampaignScore:
    mask = events_of(who, campaign, events, place)
    times = events.time[mask]
    alerted = first_alert(who, campaign, ledger)
    ids = {name for account in campaign.accounts for name in ledger.ids.get(account, ())}
    sent = int(sum(events.sent[place[a]] for a in campaign.accounts if a in place))
    detect = None
    if alerted is not None and campaign.first_event is not None:
        detect = max(0, alerted - campaign.first_event) / 3_600_000
    return CampaignScore(
        campaign=campaign.name,
        scenario=campaign.scenario,
        accounts=len(campaign.accounts),
        requests=len(times),
        share_of_traffic=len(times) / who.requests if who.requests else 0.0,
        share_of_accounts=min(1.0, len(times) / sent) if sent else 0.0,
        named=sum(_stands(who, account, ledger) for account in campaign.accounts),
        ids=len(ids),
        detect_hours=detect,
        before_alert=_share(times < alerted) if alerted is not None else 1.0,
        before_named=_share(at_large[mask]),
    )


def _stands(who: Who, account: str, ledger: Ledger) -> bool:
    return ledger.stands(account) and who.guilty(account, ledger.spells[account][-1][0])


def _share(mask: Mask) -> float:
    return float(mask.mean()) if len(mask) else 0.0
