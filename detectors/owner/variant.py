"""One way of judging what the sources say: its evidence, its campaigns, its alerts and its agenda.

The owner has one, or two where a detector is on trial: the live one, which does not hear what that
detector says, and the shadow, which hears all. They share what is no variant: names, control
events and cohorts.

Within a tick it works through names, control, what comes due, findings, campaigns, account alerts
and network alerts, each in sorted order, so that neither the order of arrival nor the number of
workers can be seen in what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from detectors.alerts.advice_budget import Advice
from detectors.alerts.book import AlertBook
from detectors.alerts.writer import Writer
from detectors.births import KeyBirths
from detectors.campaigns.account_directory import AccountDirectory
from detectors.campaigns.account_evidence import AccountEvidence
from detectors.campaigns.cases import Books
from detectors.campaigns.clusters import CampaignBook, Change
from detectors.campaigns.controls import ControlBook
from detectors.campaigns.flagged_values import FlaggedKeys, KeyId
from detectors.campaigns.population_book import PopulationBook
from detectors.config import Config
from detectors.contract.alert import Alert, Mode
from detectors.exchange.findings import KeyFinding
from detectors.interface.detector import Evidence
from detectors.interface.key_kinds import KINDS
from detectors.owner.campaign_watch import CampaignWatch
from detectors.owner.news import Due, News, Reviewed, Touched


class Variant:
    """Books and alerts that follow from all evidence but that of the `deaf_to` detectors.

    Nor is a detector heard that this configuration does not know: another worker's.
    """

    def __init__(
        self,
        config: Config,
        names: AccountDirectory,
        control: ControlBook,
        writer: Writer,
        deaf_to: frozenset[str],
        wake: Callable[[int], None],
    ) -> None:
        rules = config.fusion
        self.mode: Mode = writer.mode
        self.due: dict[int, set[Due]] = {}
        self.key_waits: set[KeyId] = set()  # flagged keys with a due tick
        self.dirty: set[KeyId] = set()  # changed keys that wait to be grouped
        self._regroup = rules.regroup_minutes
        self._deaf_to = deaf_to
        self._known = frozenset(d.card.name for d in config.detectors)
        self._wake = wake
        flagged = FlaggedKeys(
            rules, config.budgets.member_cap, config.of(KeyBirths).template_distance
        )
        self.watch = CampaignWatch(
            (d for d in config.detectors if d.card.name not in deaf_to), rules.own_ttl_hours
        )
        self.books = Books(
            rules=rules,
            flagged=flagged,
            campaigns=CampaignBook(rules, flagged),
            own=AccountEvidence(rules),
            control=control,
            names=names,
            population=PopulationBook(),
            watch=self.watch,
        )
        self.alerts = AlertBook(config.alerts, self.books, writer)

    def close(self, tick: int, news: News) -> list[Alert]:
        """Judge a tick; the names and the control events it brings are in the shared books already."""
        touched = Touched(set(), set(), set(), set(), {})
        alerts = [a for account in news.erased if (a := self._erase(account, tick, touched))]
        self._hear_names(news, touched)
        withdrawn = self._review(news.reviewed, touched) if news.reviewed else set()
        colleagues = self._colleagues(touched.networks) if news.reviewed else {}
        self._come_due(tick, touched)
        self._take_evidence(news, tick, touched)
        change = Change(set(), {}, set())
        self.dirty |= touched.dirty
        due = news.reviewed is not None or self._grouping_tick(tick) == tick
        if touched.left or (self.dirty and due):
            covered = self.books.covered if self.books.control.allowances else None
            change = self.books.campaigns.regroup(self.dirty, touched.left, tick, covered)
            self.dirty = set()
        elif touched.dirty:
            self._wait(self._grouping_tick(tick), ("group", 0))
        touched.accounts |= change.accounts
        for home, were in colleagues.items():
            if home in change.campaigns and self._colleagues({home})[home] != were:
                touched.accounts |= self.books.campaigns.campaigns[home].members.keys()
        for key_id, campaign in touched.linked.items():
            key = self.books.flagged.keys.get(key_id)
            if (
                key is not None and key.campaign != campaign
            ):  # it speaks for all who hold it, or no more
                touched.accounts |= key.members.keys()
        touched.networks |= change.campaigns | change.ended.keys()
        self.watch.leave(change.ended)
        campaigns = self.books.campaigns.campaigns
        touched.networks |= self.watch.close(tick, campaigns, self.books.flagged.keys)
        self._wait_for(("watch", 0), self.watch.due(tick, campaigns))
        for account in sorted(touched.accounts):
            alert = self.alerts.account(account, tick)
            if alert is not None:
                alerts.append(alert)
                touched.networks.update(self.alerts.concerned)
            self._wait_for(("account", account), self.alerts.account_due(account))
        for campaign in sorted(touched.networks):
            into = change.ended.get(campaign, "")
            alert = self.alerts.network(
                campaign, tick, merged_into=into, withdrawn=campaign in withdrawn
            )
            if alert is not None:
                alerts.append(alert)
            self._wait_for(("network", campaign), self.alerts.network_due(campaign))
        return alerts

    def forget_deaf(self, closed: int) -> None:
        """Forget what was found about campaigns by detectors that have come on trial since.

        For after a restart: the alerts concerned are looked at with the tick after `closed`.
        """
        for campaign in self.watch.forget(self._deaf):
            self._wait(closed + 1, ("network", campaign))

    def sizes(self) -> dict[str, int]:
        """Entities held and shed, for metrics."""
        books = self.books
        campaigns = books.campaigns.campaigns
        return {
            "flagged_keys": len(books.flagged.keys),
            "flagged_members": books.flagged.memberships,
            "flagged_keys_evicted": books.flagged.evicted,
            "own_evidence": len(books.own.accounts),
            "own_evidence_evicted": books.own.evicted,
            "campaigns": len(campaigns),
            "largest_campaign": max((len(c.members) for c in campaigns.values()), default=0),
            "account_alerts": len(self.alerts.accounts),
            "network_alerts": len(self.alerts.networks),
            "alerts_held_back": self.alerts.held_back,
        }

    def advice(self, tick: int) -> Advice:
        """How the budget of advice stands in a tick, for metrics."""
        budget = self.alerts.budget
        return Advice(budget.left(tick, len(self.books.names)), budget.spent.capped)

    def _deaf(self, evidence: Evidence) -> bool:
        return _name(evidence) in self._deaf_to

    def _hears(self, evidence: Evidence) -> bool:
        return _name(evidence) in self._known and not self._deaf(evidence)

    def _heard(self, finding: KeyFinding) -> KeyFinding | None:
        """A finding with what this variant hears of its evidence; None: nothing."""
        heard = tuple(e for e in finding.evidence if self._hears(e))
        return msgspec.structs.replace(finding, evidence=heard) if heard else None

    def _wait(self, tick: int, due: Due) -> None:
        waiting = self.due.get(tick)
        if waiting is None:
            waiting = self.due[tick] = set()
            self._wake(tick)
        waiting.add(due)

    def _grouping_tick(self, tick: int) -> int:
        """The next tick, this one included, in which changed keys are grouped anew."""
        return tick + self._regroup - 1 - tick % self._regroup

    def _wait_for(self, due: Due, tick: int) -> None:
        if tick >= 0:
            self._wait(tick, due)

    def _erase(self, account: int, tick: int, touched: Touched) -> Alert | None:
        """Erase an account; gives the last revision of its alert, if it had one."""
        self.books.own.accounts.pop(account, None)
        touched.dirty.update(self.books.flagged.erase(account))
        touched.networks |= self.books.campaigns.erase(account)
        for waiting in self.due.values():
            waiting -= {("own", account), ("account", account)}
        alert = self.alerts.erase(account, tick)
        if alert is not None:
            touched.networks |= self.alerts.concerned
        return alert

    def _hear_names(self, news: News, touched: Touched) -> None:
        held, own = self.books.flagged.held, self.books.own.accounts
        touched.accounts |= (news.named & held.keys()) | (news.named & own.keys())
        self.books.campaigns.ask_again(set(news.named))

    def _come_due(self, tick: int, touched: Touched) -> None:
        """Look at what waited for this tick."""
        for what, which in sorted(self.due.pop(tick, ()), key=repr):
            if what == "account" and isinstance(which, int):
                touched.accounts.add(which)
            elif what == "network" and isinstance(which, str):
                touched.networks.add(which)
            elif what == "own" and isinstance(which, int):
                self.books.own.expire(which, tick)
                touched.accounts.add(which)
            elif what == "key" and isinstance(which, tuple):
                self._expire_key(which, tick, touched)

    def _review(self, reviewed: Reviewed, touched: Touched) -> set[str]:
        """Allowances or releases changed: look at what stands of the accounts concerned, and only that.

        A year of allowances is tens of thousands, and so are the accounts that stand. Gives the
        campaigns from which an allowance now takes something.
        """
        books = self.books
        withdrawn = set()
        for account in reviewed.accounts:
            held = books.flagged.held.get(account, {})
            homes = books.campaigns.belongs.get(account, set())
            if held or homes or account in self.alerts.accounts or account in books.own.accounts:
                touched.accounts.add(account)
            touched.networks |= homes
            touched.dirty |= held.keys()
            for key_id in held:
                campaign = touched.linked[key_id] = books.flagged.keys[key_id].campaign
                if campaign:
                    touched.networks.add(campaign)
                    if books.covered(account, KINDS[key_id[0]].family):
                        withdrawn.add(campaign)
        if reviewed.releases:
            touched.accounts |= books.excusable_by(reviewed.releases)
        return withdrawn

    def _colleagues(self, campaigns: set[str]) -> dict[str, bool]:
        """Of campaigns that stand, whether their members are one organisation's."""
        standing = self.books.campaigns.campaigns
        return {c: self.books.organisation(standing[c]) for c in campaigns & standing.keys()}

    def _expire_key(self, key_id: KeyId, tick: int, touched: Touched) -> None:
        self.key_waits.discard(key_id)
        key = self.books.flagged.keys.get(key_id)
        if key is None:
            return
        if key.expires > tick:
            self._wait_for_key(key_id, key.expires)
        else:
            self._drop_key(key_id, touched)

    def _wait_for_key(self, key_id: KeyId, tick: int) -> None:
        if key_id not in self.key_waits:
            self.key_waits.add(key_id)
            self._wait(tick, ("key", key_id))

    def _drop_key(self, key_id: KeyId, touched: Touched) -> None:
        key = self.books.flagged.drop(key_id)
        touched.dirty.discard(key_id)
        touched.accounts.update(key.members)
        if key.campaign:
            touched.left.add(key.campaign)

    def _take_evidence(self, news: News, tick: int, touched: Touched) -> None:
        heard = tuple(g for g in news.groups if self._hears(g.evidence))
        self.books.population.hear(heard, tick)
        for finding, evidence in news.odd:
            if not self._hears(evidence):
                continue
            ends = self.books.own.report(finding, evidence, tick)
            if ends is not None:
                touched.accounts.add(finding.account)
                self._wait(ends, ("own", finding.account))
        touched.accounts.update(self.books.own.shed())
        self._take_keys(filter(None, map(self._heard, news.keys)), tick, touched)

    def _take_keys(self, keys: Iterable[KeyFinding], tick: int, touched: Touched) -> None:
        flagged = self.books.flagged
        for found in keys:
            report = flagged.report(found, tick)
            key = report.key
            self._wait_for_key(key.id, key.expires)
            touched.accounts.update(report.moved)
            if report.links:
                touched.dirty.add(key.id)
            if report.moved and key.campaign:
                touched.networks.add(key.campaign)
        for key_id in flagged.over_budget():
            self._drop_key(key_id, touched)


def _name(evidence: Evidence) -> str:
    return evidence.detector.rpartition(".v")[0]
