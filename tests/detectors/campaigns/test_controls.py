"""Control events cost what begins and ends with them, and come to what looking at all of them would."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.campaigns.controls import ControlBook
from detectors.contract.control_event import ControlEvent
from detectors.interface.clock import MINUTE_MS
from detectors.interface.family import Family
from tests.owner_stories import HASH_KEY, account, org

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


def test_an_id_that_was_forgotten_begins_anew_with_all_its_revisions() -> None:
    def allowance(revision: int, at: int) -> ControlEvent:
        return ControlEvent(
            control_id="c", revision=revision, kind="allowance", at=at * MINUTE_MS,
            recorded_at=at * MINUTE_MS, until=(at + 5) * MINUTE_MS, account_id="a1",
            families=("content",),
        )  # fmt: skip

    book = ControlBook(HASH_KEY, RETENTION)
    for revision in (1, 2):  # the first is replaced, and not kept
        for tick in book.accept(allowance(revision, 0), 0):
            book.refresh(tick)
    book.refresh(RETENTION + 20)
    assert book.log == []
    later = RETENTION + 30
    book.accept(allowance(1, 0), later)
    assert [line.tick for line in book.log] == [later]


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
