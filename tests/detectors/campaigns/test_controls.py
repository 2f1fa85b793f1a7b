"""Control events cost what begins and ends with them, and come to what looking at all of them would."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.campaigns.account_directory import AccountDirectory
from detectors.campaigns.controls import ControlBook
from detectors.config import Config
from detectors.contract.alert import Alert, body
from detectors.contract.control_event import ControlEvent
from detectors.interface.clock import MINUTE_MS
from detectors.interface.family import Family
from detectors.interface.key_kinds import KINDS
from detectors.owner.news import Reviewed, Touched
from detectors.owner.owner import CampaignOwner
from detectors.owner.variant import Variant
from tests.owner_stories import BASE, HASH_KEY, Story, account, allowance, names, org, owner_of

RETENTION = 40
SUBJECTS = [{"account_id": "a1"}, {"account_id": "a2"}, {"org_id": "o1"}, {"org_id": "o2"}]
FAMILIES = ("identity", "content", "volume")


@st.composite
def control_events(draw: st.DrawFn) -> ControlEvent:
    at = draw(st.integers(0, 60))
    kind = draw(
        st.sampled_from(("allowance", "allowance", "allowance", "model_release", "feedback"))
    )
    common = {
        "control_id": f"c{draw(st.integers(0, 5))}",
        "revision": draw(st.integers(1, 4)),
        "at": at * MINUTE_MS,
        "recorded_at": (at + draw(st.integers(0, 5))) * MINUTE_MS,
    }
    if kind != "allowance":
        return ControlEvent(kind=kind, model=draw(st.sampled_from("xy")), **common)  # type: ignore[arg-type]
    return ControlEvent(
        kind="allowance",
        until=(at + draw(st.integers(-3, 30))) * MINUTE_MS,
        families=tuple(draw(st.lists(st.sampled_from(FAMILIES), min_size=1, max_size=3))),  # type: ignore[arg-type]
        **draw(st.sampled_from(SUBJECTS)),
        **common,  # type: ignore[arg-type]
    )


class Plain:
    """The definition: of each id the highest revision in effect holds, looked up anew each time."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[int, tuple[ControlEvent, int]]] = {}

    def accept(self, event: ControlEvent, open_tick: int) -> None:
        tick = max(-(-max(event.at, event.recorded_at) // MINUTE_MS), open_tick)
        self.kept.setdefault(event.control_id, {}).setdefault(event.revision, (event, tick))

    def forget(self, tick: int) -> None:
        for control_id, revisions in list(self.kept.items()):
            ends = [max(t, -(-(e.until or 0) // MINUTE_MS)) for e, t in revisions.values()]
            if max(ends) + RETENTION < tick:
                del self.kept[control_id]

    def holding(self, tick: int) -> list[ControlEvent]:
        live = [{r: e for r, (e, t) in revs.items() if t <= tick} for revs in self.kept.values()]
        return [events[max(events)] for events in live if events]

    def allowed(self, tick: int, account_id: str, org_id: str) -> frozenset[Family]:
        mine: set[Family] = set()
        for event in self.holding(tick):
            ours = event.account_id == account_id or event.org_id == org_id
            if event.kind == "allowance" and ours and tick * MINUTE_MS < (event.until or 0):
                mine.update(event.families)
        return frozenset(mine)

    def releases(self, tick: int) -> list[tuple[int, str]]:
        found = [e for e in self.holding(tick) if e.kind == "model_release"]
        return sorted((e.at, e.model or "") for e in found)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(control_events(), st.integers(0, 8)), max_size=25), st.booleans())
def test_what_holds_in_every_tick_is_what_looking_at_all_events_anew_says(
    events: list[tuple[ControlEvent, int]], restarted: bool
) -> None:
    book, plain, tick = ControlBook(HASH_KEY, RETENTION), Plain(), -1
    due: set[int] = set()
    for event, pause in [*events, (None, 200)]:
        if event is not None:
            due.update(book.accept(event, tick + 1))
            plain.accept(event, tick + 1)
        for now in range(tick + 1, tick + 1 + pause):
            tick = now
            if now not in due:
                continue
            before = (_all(book), list(book.releases))
            review = book.refresh(now)
            plain.forget(now)
            assert (review is not None) == (before != (_all(book), book.releases))
        if tick < 0:
            continue  # nothing has been looked at yet
        _agree(book, plain, tick)
        if restarted:
            book_, kept = ControlBook(HASH_KEY, RETENTION), book.kept()
            book_.restore(kept, tick)
            plain.forget(tick)
            assert book_.kept().events.keys() == plain.kept.keys()
            book = book_
            _agree(book, plain, tick)


def _all(book: ControlBook) -> list[frozenset[Family]]:
    return [book.allowed(account(n), org(o)) for n in (1, 2, 3) for o in (0, 1, 2)]


def _agree(book: ControlBook, plain: Plain, tick: int) -> None:
    for n in (1, 2, 3):
        for o in (0, 1, 2):
            expected = plain.allowed(tick, f"a{n}", f"o{o}" if o else "")
            assert book.allowed(account(n), org(o)) == expected
    assert book.releases == plain.releases(tick)
    for start in range(0, 70, 7):
        among = any(start * MINUTE_MS < at < (start + 9) * MINUTE_MS for at, _ in book.releases)
        assert book.released(start * MINUTE_MS, (start + 9) * MINUTE_MS) == among


def _review_all(self: Variant, _reviewed: Reviewed, touched: Touched) -> set[str]:
    """The definition: when anything changed, everything that stands is looked at."""
    books = self.books
    touched.accounts |= self.alerts.accounts.keys() | books.own.accounts.keys()
    touched.accounts |= books.campaigns.belongs.keys()
    touched.networks |= self.alerts.networks.keys()
    touched.dirty |= books.flagged.keys.keys()
    return {
        campaign.id
        for campaign in books.campaigns.campaigns.values()
        if any(
            books.covered(one, KINDS[kind].family)
            for kind, key in campaign.keys
            for one in books.flagged.keys[kind, key].members
        )
    }


STORY = """
0 org 1 1-9
0 org 2 10-14,40-44
0 key payment_fp:1 1-14
0 key template:1 1-14
0 key device_fp:2 20-33
0 key template:2 20-33
3 key ip_prefix_fp:3 1-14
5 volume 1-4,20-24,40-44
70 volume 1,40-42
"""


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["org=1", "org=2"] + [f"account={n}" for n in (1, 2, 9, 20, 21, 22, 40, 41)]
            ),
            st.sampled_from(["identity", "content", "volume", "identity,content,volume"]),
            st.integers(1, 80),
            st.integers(1, 120),
        ),
        max_size=12,
    ),
    st.lists(st.integers(1, 90), max_size=2),
)
def test_looking_at_the_accounts_concerned_says_the_alerts_that_looking_at_all_would(
    allowances: list[tuple[str, str, int, int]], releases: list[int]
) -> None:
    text = STORY + "".join(
        f"{at} allow {who} families={families} until={at + length}\n"
        for who, families, at, length in allowances
    )
    text += "".join(f"{at} release\n" for at in releases[:1]) + "4000 end"
    assert _bodies(text) == _bodies(text, _review_all)


def _bodies(
    text: str, review: Callable[[Variant, Reviewed, Touched], set[str]] = Variant._review
) -> list[bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Variant, "_review", review)
        return [body(alert) for alert in Story(text).tell()]


def test_an_allowance_looks_at_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = owner_of(Config())
    story = Story("0 org 7 60-69\n0 volume 1-99\n0 key payment_fp:1 1-20\n0 key device_fp:1 1-20")
    story.say(owner, BASE)
    _pass(owner, 30)
    assert len(owner.alerts.accounts) >= 90
    seen: list[int] = []
    book = owner.alerts
    real = book.account

    def spy(one: int, tick: int) -> Alert | None:
        seen.append(one)
        return real(one, tick)

    monkeypatch.setattr(book, "account", spy)
    owner.control(allowance(40, 50, ["volume"], account_id="a33"))
    owner.control(allowance(42, 52, ["volume"], org_id="o7"))
    owner.control(allowance(44, 54, ["volume"], account_id="a-stranger"))
    _pass(owner, 60)
    once = [account(33), *sorted(account(n) for n in range(60, 70))]
    assert seen == once * 2  # as it begins, and as it ends


def _pass(owner: CampaignOwner, tick: int) -> None:
    for source in (0, 1):
        owner.watermark(source, BASE + tick)
    owner.advance()


def test_twenty_thousand_allowances_are_looked_at_twice_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = ControlBook(HASH_KEY, 100_000)
    due: set[int] = set()
    for n in range(20_000):
        event = ControlEvent(
            f"c{n}", "allowance", n * MINUTE_MS, n * MINUTE_MS, 1, (n + 500) * MINUTE_MS,
            account_id=f"a{n}", families=("volume",),
        )  # fmt: skip
        due.update(book.accept(event, 0))
    looks = 0
    real = book._holds

    def spy(control_id: str, tick: int) -> object:
        nonlocal looks
        looks += 1
        return real(control_id, tick)

    monkeypatch.setattr(book, "_holds", spy)
    told: list[Iterable[int]] = []
    for tick in sorted(due):
        review = book.refresh(tick)
        assert review is not None
        told.append(review.accounts)
    assert looks == 40_000
    assert sum(len(set(one)) for one in told) == 40_000
    assert not book.allowances


def test_organisations_that_no_account_is_in_any_more_are_forgotten_and_the_others_kept() -> None:
    directory = AccountDirectory(1_000)
    directory.add(names(0, {n: 1 + n for n in range(500)}))
    for batch in range(200):  # ten accounts that are in another organisation each minute
        directory.add(names(0, {n: 10_000 + 10 * batch + n for n in range(10)}))
        assert len(directory.tables()["org_values"]) <= 2 * 500 + 1_000
    for n in range(500):
        name = directory.find(account(n))
        assert name is not None
        assert name.org == org(11_990 + n if n < 10 else 1 + n)
    assert directory.of_organisations(frozenset({org(21), org(11_993)})) == {
        account(20),
        account(3),
    }
    assert directory.of_organisations(frozenset({org(1), org(777)})) == set()
    filled = AccountDirectory(1_000)
    filled.restore({k: v.view("u1") for k, v in directory.tables().items()}, 0)
    assert filled.find(account(20)) == directory.find(account(20))


def test_accounts_that_come_and_go_leave_no_organisation_behind() -> None:
    directory = AccountDirectory(1_000)
    for first in range(0, 20_000, 500):
        directory.add(names(0, {n: 1 + n for n in range(first, first + 500)}))
    assert len(directory) <= 1_000
    assert len(directory.tables()["org_values"]) <= 2 * 1_000 + 1_000


def test_allowances_that_end_one_by_one_open_a_campaign_again_for_all_its_members() -> None:
    """Its members are of one organisation until the others' allowances have ended too."""
    text = "0 org 1 40-49\n0 org 2 50-59\n0 key payment_fp:1 40-59\n0 key device_fp:1 40-59\n"
    text += "0 volume 40,44,48,52,56\n"
    for n in range(40, 60):
        text += f"{n} allow account={n} families=identity,volume until={500 + n}\n"
    text += "900 end"
    mine, plain = Story(text).tell(), _told_by(text, _review_all)
    assert _turns(mine) == _turns(plain)
    escalated = {a.account_id for a in mine if a.as_of == (BASE + 555) * MINUTE_MS and a.live}
    assert {"a40", "a44", "a48", "a52"} <= escalated
    # To look at accounts whose campaign has dissolved repeats what was said: that is not done in vain.
    assert len(mine) < len(plain)


def _told_by(text: str, review: Callable[[Variant, Reviewed, Touched], set[str]]) -> list[Alert]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Variant, "_review", review)
        return Story(text).tell()


def _turns(alerts: Iterable[Alert]) -> list[tuple[object, ...]]:
    """What alerts come to, without what is said again."""
    last: dict[str, tuple[object, ...]] = {}
    found = []
    for alert in alerts:
        standing = (alert.action, alert.severity, alert.families, alert.live)
        if last.get(alert.alert_id) != standing:
            last[alert.alert_id] = standing
            found.append((alert.as_of, alert.alert_id, alert.state, *standing))
    return found


def test_many_revisions_of_one_event_leave_two() -> None:
    book, looked = ControlBook(HASH_KEY, RETENTION), 0
    for revision in range(1, 3_001):
        until = (5_000 if revision == 7 else revision + 10) * MINUTE_MS
        told = {"control_id": "c", "revision": revision, "at": 0, "recorded_at": 0, "until": until}
        event = ControlEvent(kind="allowance", families=("volume",), account_id="a", **told)  # type: ignore[arg-type]
        assert book.accept(event, revision)
        book.refresh(revision)
        looked += len(book.kept().events["c"])
        assert book.accept(event, revision + 1) == ()  # comes twice
    assert looked <= 2 * 3_000
    assert book.in_effect(3_000)[0].revision == 3_000
    assert sorted(book.kept().events["c"]) == [7, 3_000]
    again = book.kept().events["c"][7].event
    assert book.accept(msgspec.structs.replace(again, revision=8), 3_001) == ()
    assert book.counts == {"allowance": 3_000}
