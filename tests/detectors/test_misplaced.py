"""Accounts whose requests a producer spread over partitions: counted, judged by halves, never twice."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.accounts import state as st
from detectors.config import load_config
from detectors.contract.alert import Alert
from detectors.engine import Engine
from detectors.kernels.partitioner import partition_of
from detectors.kernels.siphash import fingerprint
from tests.detectors.state.test_checkpoint import Log
from tests.stage_stories import DAY, KEY, MINUTE, START, decoded, request
from worlds.world import build


def _spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deal records in turn, as a producer without keys does."""
    monkeypatch.setattr(
        "detectors.engine.partitions_at",
        lambda _buffer, starts, _lengths, partitions: np.arange(starts.size) % partitions,
    )


def _engine(partitions: int = 2) -> Engine:
    return Engine(load_config(f"[engine]\npartitions = {partitions}\n"), KEY)


def test_events_of_accounts_that_belong_elsewhere_are_counted_in_each_partition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = [request(n, START + n, f"a-{n % 37}") for n in range(1_000)]
    placed = _engine(3)
    placed.feed(decoded(events))
    assert [int(a.counters[st.MISPLACED]) for a in placed.accounts] == [0, 0, 0]
    _spread(monkeypatch)
    spread = _engine(3)
    spread.feed(decoded(events))
    expected = [
        sum(partition_of(e["account_id"].encode(), 3) != p for e in events[p::3]) for p in range(3)
    ]
    assert [int(a.counters[st.MISPLACED]) for a in spread.accounts] == expected
    assert sum(expected) > 500


def test_whose_place_a_version_before_did_not_note_is_found_out_when_its_state_is_read_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _spread(monkeypatch)
    engine, after = _engine(3), _engine(3)
    engine.feed(decoded([request(n, START + n, f"a-{n % 37}") for n in range(1_000)]))
    for part, fresh in zip(engine.accounts, after.accounts, strict=True):
        np.minimum(part.state.accounts["used"], 1, out=part.state.accounts["used"])
        log = Log()
        log.keep(part.checkpoint())
        kept = fresh.restoration()
        fresh.restore(kept, log.read_into(kept))
    before = [int(part.counters[st.MISPLACED]) for part in after.accounts]
    events = [request(n, START + n, f"a-{n % 37}") for n in range(1_000, 2_000)]
    after.feed(decoded(events))
    grown = [int(p.counters[st.MISPLACED]) - b for p, b in zip(after.accounts, before, strict=True)]
    assert grown == [
        sum(partition_of(e["account_id"].encode(), 3) != p for e in events[p::3]) for p in range(3)
    ]


def test_accounts_in_two_partitions_make_alerts_of_one_id_and_each_revision_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = build(seed=5, days=2.2, accounts=250, end_ms=START + 3 * DAY, hydra_accounts=60)
    world = [value for records in made.chunks() for value in records.values]
    _spread(monkeypatch)
    engine = _engine()
    alerts: list[Alert] = []
    for first in range(0, len(world), 5_000):
        alerts += engine.feed(engine.decode(world[first : first + 5_000]))
    alerts += engine.drain()
    assert len({a.account_id for a in alerts if a.kind == "account"}) > 20
    told = [(a.alert_id, a.revision) for a in alerts]
    assert len(set(told)) == len(told)
    live: dict[str, str] = {}
    for alert in alerts:
        if alert.kind == "account":
            who = alert.account_id or ""
            assert live.get(who, alert.alert_id) == alert.alert_id
            live[who] = alert.alert_id
            if not alert.live:
                del live[who]


@pytest.mark.parametrize("where", [0, 1])
def test_an_account_is_erased_wherever_it_is_and_only_what_is_erased_is_called_so(
    where: int,
) -> None:
    engine = _engine()
    fp = fingerprint(b"a-1", KEY)
    engine.accounts[where].ingest(decoded([request(1, START, "a-1")]))
    home = partition_of(b"a-1", 2)
    assert [a.holds(fp) for a in engine.accounts] == [where == 0, where == 1]
    assert [a.erase(fp, tell=a.source == home) for a in engine.accounts] == [where == 0, where == 1]
    assert [a.holds(fp) for a in engine.accounts] == [False, False]
    for account in engine.accounts:
        told = account.raise_mark(START + 5 * MINUTE) + account.raise_mark(START + 6 * MINUTE)
        erased = [t.findings.erased for t in told if t.findings is not None and t.findings.erased]
        # Its own partition tells the other stages whatever it had, another only if it had something.
        assert erased == ([(fp,)] if account.source in (home, where) else [])
