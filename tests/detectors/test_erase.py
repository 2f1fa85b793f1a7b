"""An account that is erased is nowhere in any stage's state, and nobody else notices."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from detectors.config import Loaded, load_config
from detectors.contract.alert import Alert
from detectors.decode.decoder import Decoded
from detectors.engine import Engine
from detectors.exchange import hand_over as handover
from detectors.exchange import report as reports
from detectors.exchange.findings import TickFindings
from detectors.exchange.hand_over import watermark_only
from detectors.exchange.report import Report
from detectors.kernels.siphash import fingerprint
from tests.detectors.state.test_checkpoint import Log
from tests.owner_stories import check
from tests.stage_stories import DAY, KEY, MINUTE, START, decoded, request
from worlds.world import build

LOADED: Loaded = load_config("[engine]\npartitions = 2\n")


@pytest.fixture(scope="module")
def world() -> list[bytes]:
    made = build(seed=5, days=2.2, accounts=250, end_ms=START + 3 * DAY, hydra_accounts=60)
    return [value for records in made.chunks() for value in records.values]


def engine_of() -> Engine:
    return Engine(LOADED, KEY)


def feed(engine: Engine, values: list[bytes], size: int = 2_000) -> list[Alert]:
    alerts: list[Alert] = []
    for at in range(0, len(values), size):
        alerts += engine.feed(engine.decode(values[at : at + size]))
    return alerts


def traces(engine: Engine, account: str) -> list[str]:
    """Where in the kept state of all stages the account's id or fingerprint can be found."""
    fp = fingerprint(account.encode(), KEY)
    marks = {account.encode(), fp.to_bytes(8, "little"), fp.to_bytes(8, "big")}
    found = []
    for stage in (*engine.accounts, *engine.networks, engine.owner):
        kept = stage.checkpoint()
        parts: dict[str, bytes] = {name: rows.tobytes() for name, rows in kept.tables.items()}
        parts["rest"] = kept.rest
        found += [
            f"{type(stage).__name__}.{name}"
            for name, raw in parts.items()
            if any(mark in raw for mark in marks)
        ]
    return found


def advised(alerts: list[Alert]) -> str:
    """An account of which much is known: it has a live alert that advises an action."""
    live = {a.account_id: a for a in alerts if a.kind == "account"}
    return next(str(a) for a, alert in live.items() if alert.live and alert.action != "observe")


def later(world: list[bytes], account: str, minutes: int) -> Decoded:
    """A moment of traffic of others, so that ticks close."""
    last = max(msgspec.json.decode(v)["event_time"] for v in world[-500:])
    return decoded(
        [request(10**6 + m, last + m * MINUTE, f"other-{m % 2}-{m}") for m in range(minutes)]
    )


def test_nothing_of_an_erased_account_is_left_in_any_stage(world: list[bytes]) -> None:
    engine = engine_of()
    alerts = feed(engine, world)
    account = advised(alerts)
    before = traces(engine, account)
    assert {name.partition(".")[0] for name in before} == {
        "AccountPartition",
        "NetworkPartition",
        "CampaignOwner",
    }
    engine.erase(account)
    told = engine.feed(later(world, account, 30))
    assert traces(engine, account) == []
    (last,) = (a for a in told if a.account_id == account)
    check(last)
    assert (last.state, last.action, last.campaign_id) == ("resolved", "observe", None)
    assert "erased on request" in last.explanation
    known = {a.alert_id: a.revision for a in alerts}
    assert last.revision == known[last.alert_id] + 1


def test_open_windows_and_pending_edges_are_erased_at_once(world: list[bytes]) -> None:
    engine = engine_of()
    feed(engine, world[: len(world) // 2])
    busy = msgspec.json.decode(world[len(world) // 2 - 1])["account_id"]
    assert any("minutes" in name or "ids" in name for name in traces(engine, busy))
    (partition,) = (p for p in engine.accounts if _holds(p, busy))
    taken = int(partition.state.accounts["open_minutes"].sum())
    engine.erase(busy)
    assert not _holds(partition, busy)
    assert int(partition.state.accounts["open_minutes"].sum()) < taken
    open_rows = partition.state.minutes["requests"] > 0
    assert int(partition.state.accounts["open_minutes"].sum()) == np.count_nonzero(open_rows)


def _holds(partition: Any, account: str) -> bool:
    return bool((partition.state.accounts["fp"] == fingerprint(account.encode(), KEY)).any())


def test_others_are_judged_as_before(world: list[bytes]) -> None:
    half = len(world) // 2
    plain, erased = engine_of(), engine_of()
    expected = feed(plain, world[:half])
    assert feed(erased, world[:half]) == expected
    erased.erase("never seen")
    assert feed(erased, world[half:]) + erased.drain() == feed(plain, world[half:]) + plain.drain()


@pytest.mark.parametrize("size", [700, 5_000])
def test_batches_and_restarts_do_not_show_in_what_follows(world: list[bytes], size: int) -> None:
    cut = len(world) * 4 // 5
    engine = engine_of()
    first = feed(engine, world[:cut])
    account = advised(first)
    engine.erase(account)
    expected = first + feed(engine, world[cut:]) + engine.drain()

    other = engine_of()
    found = feed(other, world[:cut], size)
    other.erase(account)
    successor = engine_of()
    stages = zip(
        (*other.accounts, *other.networks, other.owner),
        (*successor.accounts, *successor.networks, successor.owner),
        strict=True,
    )
    for stage, fresh in stages:
        log = Log()
        log.keep(stage.checkpoint())
        kept = fresh.restoration()
        fresh.restore(kept, log.read_into(kept))
    assert found + feed(successor, world[cut:], size) + successor.drain() == expected
    again = [a for a in expected if a.account_id == account]
    assert len({a.alert_id for a in again}) >= 1
    assert any(a.state == "resolved" for a in again)


def test_who_is_erased_crosses_the_topics_whole() -> None:
    gone = np.array([3, 2**63 + 1], np.uint64)
    (record,) = handover.encode(watermark_only(1, 7)._replace(erased=gone))
    assert handover.decode(record).erased.tolist() == gone.tolist()
    (raw,) = reports.encode(Report(0, 7, TickFindings(7, erased=tuple(gone.tolist()))))
    findings = reports.decode(raw).findings
    assert findings is not None
    assert list(findings.erased) == gone.tolist()


def test_who_comes_back_is_a_new_member_of_what_it_holds_once() -> None:
    engine = Engine(load_config("[engine]\npartitions = 1\n"), KEY)

    def hours(first: int, accounts: str) -> list[dict[str, Any]]:
        return [
            request(first + n, START + (first + n) * MINUTE, a, payment_fp="k1:1")
            for n, a in enumerate(accounts * 20)
        ]

    def members() -> list[int]:
        state = engine.networks[0].state
        (row,) = np.flatnonzero((state.shared["used"] == 1) & (state.shared["kind"] == 0))
        found, at = [], int(state.shared["member"][row])
        while at >= 0:
            found.append(int(state.members["account"][at]))
            at = int(state.members["next"][at])
        assert len(found) == state.shared["members"][row] == state.shared["accounts"][row]
        return sorted(found)

    everyone = sorted(fingerprint(a.encode(), KEY) for a in "abc")
    engine.feed(decoded(hours(0, "abc")))
    assert members() == everyone
    engine.erase("a")
    engine.feed(decoded(hours(60, "bc")))
    assert members() == sorted(set(everyone) - {fingerprint(b"a", KEY)})
    engine.feed(decoded(hours(100, "abc")))
    assert members() == everyone
