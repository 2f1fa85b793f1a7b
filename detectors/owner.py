"""The campaign owner: all partitions' findings in, alerts out; the one place that sees every account.

It closes a tick when all sources have passed it, and only ticks in which something is to do: findings
came, a control event takes effect, evidence goes stale, an alert is due. Within a tick it works
through names, control, expiry, findings, campaigns, account alerts and network alerts, each in sorted
order, so that neither the order of arrival nor the number of workers can be seen in what it says.

Its state is plain data in its books (structs, dicts of numbers, columns); it holds no open resource.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import msgspec

from detectors.alerts import Alert, Mode, Trace
from detectors.campaigns import CampaignBook, Change
from detectors.cases import Books
from detectors.checkpoint import Checkpoint, Restoration
from detectors.cohort import CohortBook
from detectors.config import Config
from detectors.control import ControlEvent
from detectors.control_book import ControlBook, Written
from detectors.findings import TickFindings
from detectors.flagged import FlaggedKeys, KeyId
from detectors.inbox import BEFORE_TIME, Content, Inbox
from detectors.kinds import KINDS
from detectors.name_book import NameBook
from detectors.names import NameBatch
from detectors.own_evidence import OwnBook
from detectors.owner_checkpoint import Agenda, Due, checkpoint_of, restored
from detectors.standing import AlertBook
from detectors.writing import Writer

_DAY_TICKS = 1440


class Touched(msgspec.Struct):
    """What a tick has to look at: accounts and campaigns by id, keys to group anew."""

    accounts: set[int]
    networks: set[str]
    dirty: set[KeyId]
    left: set[str]
    reviewed: bool = False  # control changed: nothing waits


class CampaignOwner:
    """Stage C. Feed it with `receive`, `receive_names`, `watermark` and `control`; then `advance`."""

    def __init__(
        self,
        config: Config,
        sources: int,
        trace: Trace,
        mode: Mode = "replay",
        hash_key: bytes = bytes(16),
    ) -> None:
        rules = config.fusion
        self._inbox = Inbox(sources)
        self._ticks: list[int] = []  # heap of ticks with something to do
        self._due: dict[int, set[Due]] = {}
        self._key_waits: set[KeyId] = set()  # flagged keys with a due tick
        self.closed = BEFORE_TIME
        self._dirty: set[KeyId] = set()  # changed keys that wait to be grouped
        self._regroup = rules.regroup_minutes
        self._cohorts = CohortBook(config.volume)
        flagged = FlaggedKeys(rules, config.budgets.member_cap, config.births.template_distance)
        self.books = Books(
            rules=rules,
            flagged=flagged,
            campaigns=CampaignBook(rules, flagged),
            own=OwnBook(rules),
            control=ControlBook(hash_key, config.alerts.control_retention_days * _DAY_TICKS),
            names=NameBook(config.alerts.name_budget),
        )
        writer = Writer(mode=mode, trace=trace, ttl_s=config.alerts.action_ttl_s)
        self.alerts = AlertBook(config.alerts, self.books, writer)

    def receive(self, source: int, findings: TickFindings) -> None:
        """Take what one source says about one tick, or a part of it."""
        if findings.tick > self.closed and self._inbox.receive(source, findings):
            heapq.heappush(self._ticks, findings.tick)

    def receive_names(self, source: int, names: NameBatch) -> None:
        """Take the accounts that one source saw first in one tick, or a part of them."""
        if names.tick > self.closed and self._inbox.receive_names(source, names):
            heapq.heappush(self._ticks, names.tick)

    def watermark(self, source: int, tick: int) -> None:
        """Note that everything of this source up to and with `tick` has been received."""
        self._inbox.watermark(source, tick)

    def control(self, event: ControlEvent) -> None:
        """Take a control event; it acts from the tick written in `control_log` on."""
        for tick in self.books.control.accept(event, self.closed + 1):
            self._wait(tick, ("control", 0))

    @property
    def control_log(self) -> list[Written]:
        """From which tick each control event holds, in order of reading; the edge persists it."""
        return self.books.control.log

    def restore_control(self, log: Iterable[Written]) -> None:
        """Take back an earlier run's log, before its control events are read again."""
        self.books.control.restore(log)

    def advance(self) -> list[Alert]:
        """Close every tick that all sources have passed; the alerts are in canonical order."""
        target = self._inbox.passed
        alerts: list[Alert] = []
        while self._ticks and self._ticks[0] <= target:
            tick = heapq.heappop(self._ticks)
            while self._ticks and self._ticks[0] == tick:
                heapq.heappop(self._ticks)
            alerts += self._close(tick)
            self.closed = tick
        self.closed = max(self.closed, target)
        return alerts

    def checkpoint(self) -> Checkpoint:
        """The state as it is now; good until the next input."""
        agenda = Agenda(self.closed, self._due, self._key_waits, self._dirty)
        return checkpoint_of(
            agenda, self._inbox.kept(), self._cohorts.dump(), self.books, self.alerts
        )

    def restoration(self) -> Restoration:
        """What fills this owner, still fresh, from kept pages; `restored` ends it."""
        return Restoration(())

    def restored(self, restoration: Restoration, rest: bytes) -> None:
        """Go on from the kept state."""
        kept = restored(restoration.tables(), self.books, self.alerts)
        self._inbox.take_back(kept.inbox)
        self._cohorts.restore(kept.cohorts)
        self.closed, self._due = kept.agenda.closed, kept.agenda.due
        self._key_waits, self._dirty = kept.agenda.key_waits, kept.agenda.dirty
        self._ticks = [t for t in sorted(self._inbox.ticks | self._due.keys()) if t > self.closed]

    def sizes(self) -> dict[str, int]:
        """Entities held and shed, for metrics."""
        books = self.books
        campaigns = books.campaigns.campaigns
        return {
            "names": len(books.names),
            "names_evicted": books.names.evicted,
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
            "advice_capped": self.alerts.budget.spent.capped,
            "advice_left": self.alerts.budget.left(self.closed, len(books.names)),
        }

    def _wait(self, tick: int, due: Due) -> None:
        waiting = self._due.get(tick)
        if waiting is None:
            waiting = self._due[tick] = set()
            heapq.heappush(self._ticks, tick)
        waiting.add(due)

    def _close(self, tick: int) -> list[Alert]:
        touched = Touched(set(), set(), set(), set())
        content = self._inbox.take(tick)
        self._learn_names(content, touched)
        withdrawn = self._come_due(tick, touched)
        self._take_findings(content, tick, touched)
        change = Change(set(), {}, set())
        self._dirty |= touched.dirty
        due = touched.reviewed or self._grouping_tick(tick) == tick
        if touched.left or (self._dirty and due):
            covered = self.books.covered if self.books.control.allowances else None
            change = self.books.campaigns.regroup(self._dirty, touched.left, tick, covered)
            self._dirty = set()
        elif touched.dirty:
            self._wait(self._grouping_tick(tick), ("group", 0))
        touched.accounts |= change.accounts
        touched.networks |= change.campaigns | change.ended.keys()
        alerts = []
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

    def _grouping_tick(self, tick: int) -> int:
        """The next tick, this one included, in which changed keys are grouped anew."""
        return tick + self._regroup - 1 - tick % self._regroup

    def _wait_for(self, due: Due, tick: int) -> None:
        if tick >= 0:
            self._wait(tick, due)

    def _learn_names(self, content: Content, touched: Touched) -> None:
        held, own = self.books.flagged.held, self.books.own.accounts
        for batch in content.batches:
            self.books.names.add_many(batch)
            fresh = set(batch.accounts.tolist())
            touched.accounts |= (fresh & held.keys()) | (fresh & own.keys())
            self.books.campaigns.ask_again(fresh)
        for name in content.names:
            self.books.names.add(name)
            if name.account in held or name.account in own:
                touched.accounts.add(name.account)

    def _come_due(self, tick: int, touched: Touched) -> set[str]:
        """Look at what waited for this tick; gives the campaigns that an allowance touches."""
        withdrawn: set[str] = set()
        for what, which in sorted(self._due.pop(tick, ()), key=repr):
            if what == "account" and isinstance(which, int):
                touched.accounts.add(which)
            elif what == "network" and isinstance(which, str):
                touched.networks.add(which)
            elif what == "own" and isinstance(which, int):
                self.books.own.expire(which, tick)
                touched.accounts.add(which)
            elif what == "key" and isinstance(which, tuple):
                self._expire_key(which, tick, touched)
            elif what == "control" and self.books.control.refresh(tick):
                withdrawn = self._review_all(touched)
        return withdrawn

    def _review_all(self, touched: Touched) -> set[str]:
        """Allowances or releases changed, which is rare: look at everything that stands."""
        books = self.books
        touched.reviewed = True
        touched.accounts |= self.alerts.accounts.keys() | books.own.accounts.keys()
        touched.accounts |= books.campaigns.belongs.keys()
        touched.networks |= self.alerts.networks.keys()
        touched.dirty |= books.flagged.keys.keys()
        if not books.control.allowances:
            return set()
        return {
            campaign.id
            for campaign in books.campaigns.campaigns.values()
            if any(
                books.covered(account, KINDS[kind].family)
                for kind, key in campaign.keys
                for account in books.flagged.keys[kind, key].members
            )
        }

    def _expire_key(self, key_id: KeyId, tick: int, touched: Touched) -> None:
        self._key_waits.discard(key_id)
        key = self.books.flagged.keys.get(key_id)
        if key is None:
            return
        if key.expires > tick:
            self._wait_for_key(key_id, key.expires)
        else:
            self._drop_key(key_id, touched)

    def _wait_for_key(self, key_id: KeyId, tick: int) -> None:
        if key_id not in self._key_waits:
            self._key_waits.add(key_id)
            self._wait(tick, ("key", key_id))

    def _drop_key(self, key_id: KeyId, touched: Touched) -> None:
        key = self.books.flagged.drop(key_id)
        touched.dirty.discard(key_id)
        touched.accounts.update(key.members)
        if key.campaign:
            touched.left.add(key.campaign)

    def _take_findings(self, content: Content, tick: int, touched: Touched) -> None:
        if content.accounts or content.cohorts:
            self._cohorts.close(tick, content.cohorts)
        for finding in content.accounts:
            evidence = self._cohorts.judge(finding)
            if evidence is None:
                continue
            ends = self.books.own.report(finding, evidence, tick)
            if ends is not None:
                touched.accounts.add(finding.account)
                self._wait(ends, ("own", finding.account))
        touched.accounts.update(self.books.own.shed())
        flagged = self.books.flagged
        for found in content.keys:
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
