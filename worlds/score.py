"""How well alerts name a world's campaigns: what leaked, who was found, who was wronged.

Only account alerts that advise more than to observe count as naming somebody: an enforcement
service acts on no others. Nothing here decides anything, and nothing here is seen by a detector.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from worlds.scoring.bcubed import b_cubed
from worlds.scoring.harm import PER, Harm, harm
from worlds.scoring.leaks import CampaignScore, campaign_scores
from worlds.scoring.ledger import Ledger, read
from worlds.scoring.sightings import AttackEvents
from worlds.scoring.who import GREY, Who, who

WEEK_DAYS = 7
PER_CAMPAIGNS = 5 * PER  # false campaigns are counted per 50,000 accounts


@dataclass(frozen=True, slots=True)
class Score:
    """What the alerts on one world are worth; see `CampaignScore` and `Harm` for the parts.

    `purity`, `completeness`: B-cubed precision and recall of the campaign_ids. `network_news` and
    `account_news`: records per campaign_id (or named account) and day, renewals apart.
    `false_campaigns`: campaign_ids without one attacker, per week and 50,000 benign accounts.
    """

    days: float
    benign: int
    campaigns: tuple[CampaignScore, ...]
    harm: Harm
    purity: float | None
    completeness: float | None
    false_campaigns: float
    network_news: float
    account_news: float
    renewals: int
    retracted: int
    retracted_share: float

    @property
    def attackers(self) -> int:
        """How many accounts attack."""
        return sum(c.accounts for c in self.campaigns)

    @property
    def found(self) -> int:
        """How many attackers stand named in the end."""
        return sum(c.named for c in self.campaigns)

    @property
    def named(self) -> int:
        """How many accounts were ever advised to be acted on, rightly or wrongly."""
        return self.harm.right["throttle"] + self.harm.wrong["throttle"]

    @property
    def precision(self) -> float | None:
        """The share of named accounts that attack; None where nobody was named."""
        return self.harm.precision["throttle"]

    @property
    def recall(self) -> float | None:
        """The share of attackers that stand named in the end; None in a world without any."""
        return self.found / self.attackers if self.attackers else None

    def figures(self) -> dict[str, float | None]:
        """The score's headline figures by name, one number each."""
        leaks = [c.before_alert for c in self.campaigns]
        hours = [c.detect_hours for c in self.campaigns if c.detect_hours is not None]
        ids = [c.ids for c in self.campaigns if c.ids]
        requests = sum(c.requests for c in self.campaigns)
        at_large = sum(c.before_named * c.requests for c in self.campaigns)
        any_alert = len(hours)
        return {
            "campaign_recall": any_alert / len(self.campaigns) if self.campaigns else None,
            "account_recall": self.recall,
            "leak_median": median(leaks) if leaks else None,
            "leak_worst": max(leaks, default=None),
            "leak_by_account": at_large / requests if requests else None,
            "detect_hours_median": median(hours) if hours else None,
            **{f"precision_{a}": p for a, p in self.harm.precision.items()},
            **{f"false_{a}": rate for a, rate in self.harm.false_rate.items()},
            "purity": self.purity,
            "completeness": self.completeness,
            "ids_per_campaign": sum(ids) / len(ids) if ids else None,
            "false_campaigns": self.false_campaigns,
            "network_news": self.network_news,
            "account_news": self.account_news,
            "retracted_share": self.retracted_share,
        }

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {"figures": self.figures(), **asdict(self)}


def score(
    truth: Mapping[str, Any],
    events: AttackEvents,
    alerts: Iterable[Mapping[str, Any]],
    *,
    without: Collection[str] = (),
) -> Score:
    """Score alert records (parsed JSON, in any order) against a world's truth.

    `events`: the attackers' events as the stream carried them. `without`: codes of scenarios to
    leave out altogether, for tuning on some and judging on others.
    """
    known = who(truth, without)
    return score_ledger(known, events, read(alerts))


def score_ledger(known: Who, events: AttackEvents, ledger: Ledger) -> Score:
    """Score what was read already."""
    clusters = {
        account: ledger.final_cluster(account)
        for account in ledger.cluster
        if account not in known.ignored and known.look_alike.get(account) not in GREY
    }
    purity, completeness = b_cubed(clusters, {a: c.name for a, c in known.of.items()})
    innocent = {c for c in clusters.values() if c is not None}
    innocent -= {c for account, c in clusters.items() if account in known.of}
    weeks = known.days / WEEK_DAYS
    return Score(
        days=known.days,
        benign=known.benign,
        campaigns=campaign_scores(known, events, ledger),
        harm=harm(known, ledger),
        purity=purity,
        completeness=completeness,
        false_campaigns=(
            len(innocent) / weeks * PER_CAMPAIGNS / known.benign if known.benign else 0.0
        ),
        network_news=_daily(ledger.network_news.values(), known.days),
        account_news=_daily(
            [ledger.account_news[account] for account in ledger.spells], known.days
        ),
        renewals=ledger.renewals,
        retracted=ledger.retracted,
        retracted_share=ledger.retracted / ledger.acting if ledger.acting else 0.0,
    )


def _daily(counts: Collection[int], days: float) -> float:
    return sum(counts) / len(counts) / days if counts else 0.0
