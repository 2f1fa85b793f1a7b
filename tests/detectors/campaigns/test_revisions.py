"""Many revisions of one control event: as looking at all of them says, at the cost of those that change."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.campaigns import controls
from detectors.campaigns.controls import ControlBook, KeptControls, Written
from detectors.campaigns.revisions import Kept
from detectors.contract.control_event import ControlEvent
from detectors.interface.clock import MINUTE_MS, NO_TIME
from tests.owner_stories import HASH_KEY, account, org

RETENTION = 20
MANY = 3_000
READS = 20  # at most so many of a revision's tick, for each; looking at all would take thousands


class Slow:
    """The definition: a maximum over all that are kept, at every look."""

    def __init__(self, kept: dict[int, Kept]) -> None:
        self.kept = kept
        self.refreshed = NO_TIME

    @property
    def end(self) -> int:
        return max(one.end for one in self.kept.values())

    def add(self, one: Kept, refreshed: int) -> None:
        self.kept[one.event.revision] = one
        self.refreshed = refreshed

    def replaced(self, revision: int) -> bool:
        return any(r > revision and one.tick <= self.refreshed for r, one in self.kept.items())

    def look(self, tick: int) -> ControlEvent | None:
        event = self.at(tick)
        if event is not None:
            longest = max(self.kept, key=lambda r: (self.kept[r].end, r))
            for revision in [r for r in self.kept if r < event.revision and r != longest]:
                del self.kept[revision]
        return event

    def at(self, tick: int) -> ControlEvent | None:
        live = [r for r, one in self.kept.items() if one.tick <= tick]
        return self.kept[max(live)].event if live else None


class SlowBook(ControlBook):
    """A book whose revisions are all looked at."""

    def accept(self, event: ControlEvent, open_tick: int) -> tuple[int, ...]:
        for one in self._revisions.values():
            one.refreshed = self._refreshed  # type: ignore[attr-defined]
        return super().accept(event, open_tick)


def allow(control_id: str, revision: int, at: int, until: int, who: str = "a1") -> ControlEvent:
    subject = {"org_id": who} if who.startswith("o") else {"account_id": who}
    return ControlEvent(
        control_id, "allowance", at * MINUTE_MS, at * MINUTE_MS, revision, until * MINUTE_MS,
        families=("volume",), **subject,
    )  # type: ignore[arg-type]  # fmt: skip


ids = st.sampled_from("cd")
revisions = st.integers(1, 12)
steps = st.one_of(
    st.builds(
        allow, ids, revisions, st.integers(0, 60), st.integers(0, 90), st.sampled_from(["a1", "o1"])
    ),
    st.builds(allow, ids, revisions, st.integers(0, 60), st.integers(0, 90)),
    st.builds(Written, ids, revisions, st.integers(0, 60)),  # the log of an earlier run
    st.integers(0, 9),  # ticks go by
    st.integers(-40, 60),  # or come again: what a log tells of begins in a tick that has passed
    st.just("restart"),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(steps, max_size=50))
def test_a_book_comes_to_what_looking_at_all_revisions_says(
    history: list[ControlEvent | Written | int | str],
) -> None:
    found = _told(ControlBook, history)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(controls, "Revisions", Slow)
        expected = _told(SlowBook, history)
    assert found == expected


def _told(
    kind: type[ControlBook], history: list[ControlEvent | Written | int | str]
) -> list[object]:
    """Everything that a book says and keeps, after each step."""
    book, now, furthest, told = kind(HASH_KEY, RETENTION), 0, 0, []
    for step in history:
        said: object = None
        if isinstance(step, ControlEvent):
            said = book.accept(step, furthest + 1)
        elif isinstance(step, Written):
            book.restore_log([step])
        elif isinstance(step, int):
            now = furthest + step
            furthest = max(now, furthest)
            said = book.refresh(now)
        else:
            kept = msgspec.msgpack.encode(book.kept())
            book = kind(HASH_KEY, RETENTION)
            book.restore(msgspec.msgpack.decode(kept, type=KeptControls), furthest)
        allowed = [book.allowed(account(1), o) for o in (0, org(1))]
        kept = msgspec.msgpack.encode(book.kept())  # the order counts as well
        told.append((said, allowed, kept, [book.in_effect(t) for t in (now, furthest)]))
    return told


class Counted:
    """A kept revision that counts how often its tick is read."""

    read = 0

    def __init__(self, event: ControlEvent, tick: int) -> None:
        self.event, self._tick = event, tick

    @property
    def tick(self) -> int:
        Counted.read += 1
        return self._tick

    end = Kept.end


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    monkeypatch.setattr(Counted, "read", 0)
    monkeypatch.setattr(controls, "Kept", Counted)
    return Counted


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("longer", [1, -1])
def test_revisions_that_wait_are_not_looked_at(
    counted: type[Counted], order: int, longer: int
) -> None:
    book = ControlBook(HASH_KEY, RETENTION)
    for n in range(1, MANY + 1)[::order]:
        assert book.accept(allow("c", n, n, 2 * MANY + longer * n), 0)
    for tick in range(1, 4 * MANY):
        assert (book.refresh(tick) is not None) == (tick in (1, 2 * MANY + longer * MANY))
    assert counted.read <= READS * MANY
    assert not book.kept().events


@pytest.mark.parametrize("order", [1, -1])
def test_revisions_read_again_after_a_restart_are_not_compared_with_all_others(
    counted: type[Counted], order: int
) -> None:
    book = ControlBook(HASH_KEY, RETENTION)
    book.restore_log(Written("c", n, n) for n in range(1, MANY + 1))
    book.refresh(2 * MANY)
    for n in range(1, MANY + 1)[::order]:
        book.accept(allow("c", n, n, 3 * MANY), 2 * MANY + 1)
    for tick in range(1, MANY + 1):
        book.refresh(tick)
    for n in range(1, MANY + 1):
        assert book.accept(allow("c", n, n, 3 * MANY), 2 * MANY + 1) == ()  # comes twice
    assert counted.read <= READS * MANY
    assert list(book.kept().events["c"]) == [MANY]
