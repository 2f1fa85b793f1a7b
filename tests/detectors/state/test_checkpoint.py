"""What is kept of the stages is all there is: a successor that reads it back goes on as if nothing was."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from detectors.config import load_config
from detectors.contract.control_event import ControlEvent
from detectors.decode.control_events import decode_control
from detectors.engine import Engine
from detectors.errors import StateError
from detectors.state.checkpoint import Checkpoint, Restoration, shapes_of
from detectors.state.page_log import BOUND, EASE, PAGE, SLACK, Change, Entry, PageLog
from tests.stage_stories import DAY, KEY, START
from worlds.world import build


class Log:
    """A state topic in memory: entries, of which those before the newest `since` may be deleted."""

    def __init__(self) -> None:
        self.pages = PageLog()
        self.entries: list[tuple[Entry, list[Change], bytes]] = []

    def keep(self, checkpoint: Checkpoint) -> None:
        entry = self.pages.entry(checkpoint.tables)
        self.entries.append((entry, list(entry.changes(checkpoint.tables)), checkpoint.rest))
        self.entries = [e for e in self.entries if e[0].number >= entry.since]

    def read_into(self, kept: Restoration) -> bytes:
        for entry, changes, _ in self.entries:
            kept.resize(entry.sizes)
            for change in changes:
                kept.write(*change)
        last, _, rest = self.entries[-1]
        self.pages = PageLog()
        assert self.pages.adopt(last.number, last.since, kept.tables()) == last.digest
        return rest


def stages(engine: Engine) -> list[Any]:
    return [*engine.accounts, *engine.networks, engine.owner]


@pytest.fixture(scope="module")
def world() -> list[bytes]:
    made = build(seed=5, days=2.2, accounts=250, end_ms=START + 3 * DAY, hydra_accounts=60)
    return [value for records in made.chunks() for value in records.values]


def _engine() -> Engine:
    engine = Engine(load_config("[engine]\npartitions = 2\n"), KEY)
    allowed = {"control_id": "c", "kind": "allowance", "at": START, "until": START + 9 * DAY}
    event = decode_control(
        orjson.dumps(allowed | {"org_id": "o-1", "families": ["identity"]}), None
    )
    assert isinstance(event, ControlEvent)
    engine.control(event)
    return engine


@pytest.fixture(scope="module")
def expected(world: list[bytes]) -> list[Any]:
    engine = _engine()
    alerts = engine.feed(engine.decode(world)) + engine.drain()
    assert len(alerts) > 20
    return alerts


@pytest.mark.parametrize("every", [911, 4_000])
def test_a_successor_that_reads_the_log_back_says_what_the_first_would_have_said(
    world: list[bytes], expected: list[Any], every: int
) -> None:
    engine, alerts = _engine(), []
    logs = [Log() for _ in stages(engine)]
    for turn, at in enumerate(range(0, len(world), every)):
        alerts += engine.feed(engine.decode(world[at : at + every]))
        for stage, log in zip(stages(engine), logs, strict=True):
            log.keep(stage.checkpoint())
        if turn % 3 == 2:
            engine = Engine(load_config("[engine]\npartitions = 2\n"), KEY)
            for stage, log in zip(stages(engine), logs, strict=True):
                kept = stage.restoration()
                stage.restore(kept, log.read_into(kept))
    assert alerts + engine.drain() == expected


def test_a_budget_smaller_than_what_was_kept_is_refused_by_name(world: list[bytes]) -> None:
    engine = _engine()
    engine.feed(engine.decode(world[:9_000]))
    small = Engine(load_config("[engine]\npartitions = 2\n[budgets]\ndedupe_entries = 1024\n"), KEY)
    log = Log()
    log.keep(engine.accounts[0].checkpoint())
    with pytest.raises(StateError, match="dedupe"):
        log.read_into(small.accounts[0].restoration())


def test_another_layout_of_rows_has_another_shape() -> None:
    one = {"rows": np.zeros(3, [("a", "<i8"), ("b", "<i4")])}
    other = {"rows": np.zeros(3, [("a", "<i4"), ("b", "<i8")])}
    assert shapes_of(one) != shapes_of(other)
    assert shapes_of(one) == shapes_of({"rows": np.zeros(9, one["rows"].dtype)})


STEPS = hs.lists(
    hs.tuples(
        hs.integers(0, 40 * PAGE),  # the size from now on
        hs.lists(hs.tuples(hs.integers(0, 40 * PAGE - 1), hs.integers(0, 255)), max_size=12),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=150)
@given(STEPS)
def test_a_log_read_from_its_oldest_needed_entry_gives_every_byte(
    steps: list[tuple[int, list[tuple[int, int]]]],
) -> None:
    held = np.zeros(40 * PAGE, np.uint8)
    log = Log()
    for size, writes in steps:
        held[size:] = 0
        for at, value in writes:
            if at < size:
                held[at] = value
        log.keep(Checkpoint({"table": held[:size]}, b""))
        kept = Restoration(())
        log.read_into(kept)
        assert (kept.tables()["table"] == held[:size]).all()


def test_the_log_stays_bounded_and_old_pages_move_on() -> None:
    generator = np.random.default_rng(3)
    held = generator.integers(1, 255, 24 << 20, dtype=np.uint8)
    log = Log()
    lengths = []
    for _ in range(60):
        at = int(generator.integers(0, held.size - (2 << 20)))
        held[at : at + (2 << 20)] += 1
        log.keep(Checkpoint({"table": held}, b""))
        lengths.append(sum(c.data.size for _, changes, _ in log.entries for c in changes))
    assert max(lengths) <= BOUND * held.size + SLACK
    assert max(lengths[30:]) <= (EASE + 1) * held.size + SLACK
    assert log.entries[0][0].number > 20
