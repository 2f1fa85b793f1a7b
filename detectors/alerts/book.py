"""The alerts that stand, and the next revision of each: cases and life-cycle brought together.

Account alerts are looked at before network alerts, because a network's action is the highest that its
members' alerts advise, and those must be out with its campaign_id first.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from detectors.alerts.advice_budget import AdviceBudget, Spent, next_hour, note
from detectors.alerts.lifecycle import Decision, Lifecycle, LiveAlert, Standing
from detectors.alerts.writer import Writer, network_families
from detectors.campaigns.account_directory import Name
from detectors.campaigns.cases import Books, Case
from detectors.campaigns.clusters import Campaign
from detectors.contract.alert import ACTIONS, OBSERVE, SEVERITIES, Alert

K = TypeVar("K")


class AlertBook:
    """Live alerts by account and by campaign; at most one each, and none once it has ended."""

    def __init__(self, rules: Lifecycle, books: Books, writer: Writer) -> None:
        self._rules = rules
        self._books = books
        self._writer = writer
        self.accounts: dict[int, LiveAlert] = {}
        self.networks: dict[str, LiveAlert] = {}
        self._members: dict[str, dict[int, None]] = {}  # campaign -> accounts with a live alert
        self.concerned: set[str] = set()  # campaigns that the last account alert bears on
        self.held_back = 0  # alerts not opened for lack of room
        self.budget = AdviceBudget(rules)

    def restore(
        self,
        accounts: dict[int, LiveAlert],
        networks: dict[str, LiveAlert],
        held_back: int,
        spent: Spent,
    ) -> None:
        """Go on from the alerts that stood."""
        self.accounts, self.networks, self.held_back = accounts, networks, held_back
        self.budget.spent = spent
        for account, live in accounts.items():
            if live.last.campaign_id:
                self._members.setdefault(live.last.campaign_id, {})[account] = None

    def account_due(self, account: int) -> int:
        """The tick in which an account's alert must be looked at again; -1: none."""
        live = self.accounts.get(account)
        return live.due if live else -1

    def network_due(self, campaign: str) -> int:
        """The tick in which a campaign's alert must be looked at again; -1: none."""
        live = self.networks.get(campaign)
        return live.due if live else -1

    def account(self, account: int, tick: int) -> Alert | None:
        """The next revision of an account's alert, if there is one to send."""
        live = self.accounts.get(account)
        name = self._books.names.find(account)
        if live is None and name is None:
            return None  # a member without a name is not to be acted on
        case = self._books.account_case(account)
        campaign = case.campaign
        now = Standing(
            score=case.verdict.score,
            action=case.verdict.action,
            severity=case.verdict.severity,
            families=case.verdict.families,
            campaign=campaign.id if campaign else None,
            role=campaign.members[account] if campaign else None,
            withdrawn=case.withdrawn,
        )
        now, case, capped = self._within_budget(live, now, case, tick)
        decision = self._rules.decide(live, now, tick, opens_at=self._rules.open_nats)
        if decision.state is None or (live is None and self._full()):
            self._wait(live, now, tick, capped=capped)
            return None
        if decision.action > (live.action if live else OBSERVE):
            self.budget.spend(tick)
        if decision.state in ("resolved", "retracted"):
            assert live is not None
            alert = self._writer.ended(live.last, case, decision, tick)
        elif decision.held:
            assert live is not None
            # While it is quiet the alert stays where it was; a campaign that took over is named.
            where = now.campaign if now.campaign else live.last.campaign_id
            alert = self._writer.held(live.last, decision, tick, where)
        else:
            last = live.last if live else None
            if name is None:  # its name went to make room; the alert remembers
                name = Name((last.account_id if last else None) or "", 0, -1, -1)
            alert = self._writer.account(last, account, name, case, decision, tick)
        self._leave(account, live)
        self._wait(_note(self.accounts, account, alert, decision, tick), now, tick, capped=capped)
        if alert.live and alert.campaign_id:
            self._members.setdefault(alert.campaign_id, {})[account] = None
            self.concerned.add(alert.campaign_id)
        return alert

    def erase(self, account: int, tick: int) -> Alert | None:
        """Erase an account's alert; gives its last revision, so that nobody acts on it any more."""
        live = self.accounts.get(account)
        if live is None:
            return None
        self._leave(account, live)
        del self.accounts[account]
        return self._writer.erased(live.last, tick)

    def _within_budget(
        self, live: LiveAlert | None, now: Standing, case: Case, tick: int
    ) -> tuple[Standing, Case, bool]:
        """What an account may be advised while the hour's budget lasts; its case says if it is less."""
        given = live.action if live else OBSERVE
        if now.action <= given or self.budget.left(tick, len(self._books.names)):
            return now, case, False
        doubt = note(now.action)
        return replace(now, action=given), replace(case, counter=(doubt, *case.counter)), True

    def _leave(self, account: int, live: LiveAlert | None) -> None:
        """Take an account's last revision off its campaign's list."""
        self.concerned = set()
        campaign = live.last.campaign_id if live else None
        if not campaign:
            return
        self.concerned.add(campaign)
        members = self._members[campaign]
        del members[account]
        if not members:
            del self._members[campaign]

    def _full(self) -> bool:
        if len(self.accounts) + len(self.networks) < self._rules.live_budget:
            return False
        self.held_back += 1
        return True

    def _wait(
        self, live: LiveAlert | None, now: Standing, tick: int, *, capped: bool = False
    ) -> None:
        if live is None:
            return
        live.due = self._rules.next_due(live, now, tick)
        if capped:
            live.due = next_hour(tick) if live.due < 0 else min(live.due, next_hour(tick))
            if not live.capped:
                self.budget.cap()
        live.capped = capped

    def network(
        self, campaign_id: str, tick: int, *, merged_into: str = "", withdrawn: bool = False
    ) -> Alert | None:
        """The next revision of a campaign's alert, if there is one to send."""
        live = self.networks.get(campaign_id)
        campaign = self._books.campaigns.campaigns.get(campaign_id)
        if live is None and campaign is None:
            return None
        case = self._books.network_case(campaign) if campaign and campaign.members else None
        acting = self._acting(campaign_id)
        now = self._network_standing(case, campaign, acting, withdrawn=withdrawn)
        if merged_into:
            decision = Decision("resolved")
        else:
            opens_at = self._rules.network_open_nats
            decision = self._rules.decide(live, now, tick, opens_at=opens_at, follows=True)
        if decision.state is None or (live is None and (bool(merged_into) or self._full())):
            self._wait(live, now, tick)
            return None
        if decision.state in ("resolved", "retracted"):
            assert live is not None
            alert = self._writer.ended(live.last, case, decision, tick, merged_into)
        elif decision.held or case is None or campaign is None:
            assert live is not None
            alert = self._writer.held(live.last, decision, tick, campaign_id)
        else:
            last = live.last if live else None
            alert = self._writer.network(last, case, campaign, acting, decision, tick)
        self._wait(_note(self.networks, campaign_id, alert, decision, tick), now, tick)
        return alert

    def _acting(self, campaign: str) -> tuple[Alert, ...]:
        members = self._members.get(campaign, {})
        alerts = (self.accounts[a].last for a in sorted(members))
        return tuple(a for a in alerts if a.action != "observe")

    def _network_standing(
        self,
        case: Case | None,
        campaign: Campaign | None,
        acting: tuple[Alert, ...],
        *,
        withdrawn: bool,
    ) -> Standing:
        action = max((ACTIONS.index(a.action) for a in acting), default=OBSERVE)
        if case is None or campaign is None:
            return Standing(score=-1e9, action=action, severity=0, withdrawn=withdrawn)
        return Standing(
            score=case.verdict.score,
            action=action,
            severity=max(case.verdict.severity, *(SEVERITIES.index(a.severity) for a in acting), 0),
            families=network_families(case, acting),
            campaign=campaign.id,
            size=len(campaign.members),
            withdrawn=withdrawn,
        )


def _note(
    book: dict[K, LiveAlert], subject: K, alert: Alert, decision: Decision, tick: int
) -> LiveAlert | None:
    """Remember what was sent; gives the standing alert, None where it has ended."""
    if not alert.live:
        del book[subject]
        return None
    size = alert.size if isinstance(alert.size, int) else 0
    live = book.get(subject)
    if live is None:
        book[subject] = live = LiveAlert(
            alert, tick, tick, decision.action, decision.severity, size
        )
        return live
    live.last, live.sent, live.size = alert, tick, size
    live.action, live.severity = decision.action, decision.severity
    if not decision.held:
        live.lower_since = -1
    return live
