"""The campaign owner: all partitions' findings in, alerts out; the one place that sees every account.

It closes a tick when all sources have passed it, and only ticks in which something is to do: findings
came, a control event takes effect, evidence goes stale, an alert is due. What the sources say is put
in canonical order, compared with the cohorts, and judged: once, or where a detector is on trial
(`shadow = true` in its section) twice, live without that detector and as a shadow with it.

Its state is plain data in its books (structs, dicts of numbers, columns); it holds no open resource.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from detectors.alerts.advice_budget import Advice
from detectors.alerts.book import AlertBook
from detectors.alerts.writer import Writer
from detectors.campaigns.account_directory import AccountDirectory
from detectors.campaigns.cases import Books
from detectors.campaigns.controls import ControlBook, Written
from detectors.campaigns.population_book import GroupEvidence
from detectors.config import Config, on_trial
from detectors.contract.alert import Alert, Mode, Trace
from detectors.contract.control_event import ControlEvent
from detectors.exchange.activity import ActivityBatch, Spellings
from detectors.exchange.findings import TickFindings
from detectors.exchange.loss import Loss, joined
from detectors.exchange.names import NameBatch
from detectors.groups.book import GroupBook
from detectors.groups.findings import GroupWatch
from detectors.interface.clock import DAY_TICKS, NO_TIME
from detectors.judging.cohorts import CohortBook
from detectors.judging.host import Host
from detectors.judging.isolation import Isolation, Isolations
from detectors.owner.checkpoint import Agenda, checkpoint_of, restore
from detectors.owner.inbox import Content, Inbox
from detectors.owner.news import News, Reviewed
from detectors.owner.population import Population
from detectors.owner.variant import Variant
from detectors.state.checkpoint import Checkpoint, Restoration

MOST_UNTOLD = 100
LIVE, SHADOW = "live", "shadow"


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
        self._inbox = Inbox(sources)
        self._ticks: list[int] = []  # heap of ticks with something to do
        self._control_due: set[int] = set()  # ticks in which control events begin or end
        self.closed = NO_TIME
        self._cohorts = CohortBook(config.detectors)
        cards = [d.card for d in config.detectors]
        self.isolation = Isolations(c for c in cards if c.entity == "account")
        self._population = Population(config.detectors)
        self.groups = GroupBook(config.fusion.group_budget, config.budgets.templates)
        self.loss: Loss | None = None  # the last time that reports were deleted unread
        self._unheard: set[int] = set()  # sources that have said nothing since
        self._untold: list[GroupEvidence] = []
        self._control = ControlBook(hash_key, config.alerts.control_retention_days * DAY_TICKS)
        self._names = AccountDirectory(config.alerts.name_budget)
        # A worker that is a shadow as a whole has nobody to keep a detector's evidence from.
        trial = on_trial(config) if mode != "shadow" else frozenset()
        self.group_watch = GroupWatch(config.detectors, config.budgets.member_cap, trial)

        def variant(mode: Mode, deaf_to: frozenset[str]) -> Variant:
            writer = Writer(mode=mode, trace=trace, ttl_s=config.alerts.action_ttl_s)
            return Variant(config, self._names, self._control, writer, deaf_to, self._wake)

        self._variants = {LIVE: variant(mode, trial)}
        if trial:
            self._variants[SHADOW] = variant("shadow", frozenset())

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes that alerts may have."""
        return tuple(one.mode for one in self._variants.values())

    @property
    def books(self) -> Books:
        """What the live alerts follow from."""
        return self._variants[LIVE].books

    @property
    def alerts(self) -> AlertBook:
        """The live alerts."""
        return self._variants[LIVE].alerts

    def receive(self, source: int, findings: TickFindings) -> None:
        """Take what one source says about one tick, or a part of it."""
        self._hear(source, findings.tick)
        if findings.tick > self.closed and self._inbox.receive(source, findings):
            self._wake(findings.tick)

    def receive_names(self, source: int, names: NameBatch) -> None:
        """Take the accounts that one source saw first in one tick, or a part of them."""
        self._hear(source, names.tick)
        if names.tick > self.closed and self._inbox.receive_names(source, names):
            self._wake(names.tick)

    def receive_activity(self, source: int, batch: ActivityBatch) -> None:
        """Take what the accounts of one source did in the hour that a tick ends, or a part of it."""
        self._hear(source, batch.tick)
        if batch.tick > self.closed and self._inbox.receive_activity(source, batch):
            self._wake(batch.tick)

    def receive_spellings(self, source: int, batch: Spellings) -> None:
        """Take what values are called that accounts of one source were first seen with in a tick."""
        self._hear(source, batch.tick)
        if batch.tick > self.closed:
            self._inbox.receive_spellings(source, batch)

    def watermark(self, source: int, tick: int) -> None:
        """Note that everything of this source up to and with `tick` has been received."""
        self._hear(source, tick)
        self._inbox.watermark(source, tick)

    def lose(self, first: int, end: int) -> None:
        """Reports at these places of the input were deleted unread: evidence and names that are lost.

        No account is compared with others, and no group learned from, in ticks of which a part may be
        missing. What key networks found stands for itself.
        """
        if self.closed != NO_TIME:
            self.loss = joined(self.loss, first, end, self.closed)
            self._unheard = set(range(self._inbox.sources))

    def _hear(self, source: int, tick: int) -> None:
        """A source speaks: after a loss no tick closes before all have, which tells where it ends."""
        if source in self._unheard and self.loss is not None:
            self._unheard.discard(source)
            if not self._unheard:
                self.loss = self.loss.until(max(self._inbox.furthest, tick))

    def control(self, event: ControlEvent) -> None:
        """Take a control event; it acts from the tick written in `control_log` on."""
        for tick in self._control.accept(event, self.closed + 1):
            self._control_due.add(tick)
            self._wake(tick)

    @property
    def control_log(self) -> list[Written]:
        """From which tick each control event holds, in order of reading; the edge persists it."""
        return self._control.log

    def restore_control(self, log: Iterable[Written]) -> None:
        """Take back an earlier run's log, before its control events are read again."""
        self._control.restore_log(log)

    def advance(self) -> list[Alert]:
        """Close every tick that all sources have passed; the alerts are in canonical order.

        Those of detectors on trial are among them, behind the others of their tick: `mode` tells.
        """
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
        agenda = Agenda(
            self.closed,
            self._control_due,
            self._inbox.kept(),
            self._cohorts.dump(),
            self.loss,
            self._unheard,
        )
        kept = checkpoint_of(agenda, self._names, self._control, self._variants)
        groups = self.groups.tables() | self.group_watch.reports.tables()
        return kept.also(self._population.tables() | groups)

    def restoration(self) -> Restoration:
        """What fills this owner, still fresh, from kept pages; `restore` ends it."""
        return Restoration(())

    def restore(self, restoration: Restoration, rest: bytes) -> None:
        """Go on from the kept state.

        A detector that came on trial meanwhile has a shadow that starts with nothing; one whose trial
        has ended leaves its shadow behind.
        """
        tables = restoration.tables()
        agenda = restore(tables, self._names, self._control, self._variants)
        self._inbox.restore(agenda.inbox)
        self._population.restore(tables)
        self.groups.restore(tables)
        self.group_watch.reports.restore(tables)
        self._cohorts.restore(agenda.cohorts)
        self.closed, self._control_due = agenda.closed, agenda.control_due
        self.loss, self._unheard = agenda.loss, agenda.unheard
        ticks = self._inbox.ticks | self._control_due
        for variant in self._variants.values():
            ticks |= variant.due.keys()
        self._ticks = [t for t in sorted(ticks) if t > self.closed]

    def sizes(self) -> dict[str, int]:
        """Entities held and shed by the live variant and what it shares, for metrics."""
        return {
            "names": len(self._names),
            "names_evicted": self._names.evicted,
            "group_members": len(self.groups.members),
            "group_members_evicted": self.groups.members.evicted,
            "leaders": self.groups.leaders.count,
            "leaders_evicted": self.groups.leaders.evicted,
            "groups": self.groups.size,
            "groups_explained": self.group_watch.explained,
            **self._variants[LIVE].sizes(),
        }

    def advice(self) -> dict[Mode, Advice]:
        """By mode of alerts, how the budget of advice stands, for metrics."""
        return {one.mode: one.advice(self.closed) for one in self._variants.values()}

    def hosts(self) -> tuple[Host, ...]:
        """What runs detectors here: of groups, and of campaigns."""
        widest = self._variants.get(SHADOW, self._variants[LIVE])  # a shadow hears all
        return (*self._population.hosts.values(), self.group_watch.host, widest.watch.host)

    def isolations(self) -> dict[str, Isolation]:
        """What each detector raised for: accounts where they are compared, groups, campaigns."""
        found = dict(self.isolation.by_detector)
        for host in self.hosts():
            found |= host.isolations()
        return found

    def groups_found(self) -> list[GroupEvidence]:
        """What detectors found about groups since this was asked last; for people, not for decisions."""
        found, self._untold = self._untold[-MOST_UNTOLD:], []
        return found

    def _wake(self, tick: int) -> None:
        heapq.heappush(self._ticks, tick)

    def _close(self, tick: int) -> list[Alert]:
        news = self._news(tick, self._inbox.take(tick))
        return [a for j in self._variants.values() for a in j.close(tick, news)]

    def _whole(self, tick: int, content: Content) -> Content:
        """What may be compared and learned from: nothing that a part may be missing of."""
        if (loss := self.loss) is not None and loss.holds(tick):
            content = content._replace(accounts=[], cohorts=[])
        if loss is not None and loss.touches(tick - DAY_TICKS + 1, tick):
            content = content._replace(groups=[])
        return content

    def _news(self, tick: int, content: Content) -> News:
        """Take a tick's names, control events and cohorts, and say what is left to judge."""
        if content.erased:
            self._names.erase(set(content.erased))
            self.isolation.erase(content.erased)
            self.groups.erase(content.erased)
        named: set[int] = set()
        for batch in content.names:
            self._names.add(batch)
            named.update(batch.accounts.tolist())
        reviewed = None
        if tick in self._control_due:
            self._control_due.discard(tick)
            review = self._control.refresh(tick)
            if review is not None:
                accounts = review.accounts | self._names.of_organisations(review.orgs)
                reviewed = Reviewed(accounts, tuple(at for at, _ in review.releases))
        content = self._whole(tick, content)
        if content.accounts or content.cohorts:
            self._cohorts.close(tick, content.cohorts, content.accounts)
        keys = self.group_watch.unexplained(self.groups, content.keys)
        if content.activity:
            hour = self._inbox.take_spellings(tick), content.activity
            gap = self.loss is not None and self.loss.holds(tick)
            keys = [*keys, *self.group_watch.hear(self.groups, *hour, tick, whole=not gap)]
        groups = self._population.close(tick, content.groups) if content.groups else ()
        self._untold += groups
        judged = self.isolation.judge(tick, content.accounts, self._cohorts.judge)
        return News(
            named=frozenset(named),
            odd=tuple(judged),
            keys=tuple(keys),
            reviewed=reviewed,
            groups=groups,
            erased=tuple(content.erased),
        )
