"""The whole engine on small worlds: the same records give the same alerts, however they are fed."""

from __future__ import annotations

import itertools

import msgspec
import orjson
import pytest

from detectors.config import load_config
from detectors.contract.alert import Alert
from detectors.contract.control_event import ControlEvent
from detectors.decode.control_events import decode_control
from detectors.engine import Engine
from tests.owner_stories import ALERT_SCHEMA
from tests.stage_stories import DAY, HOUR, KEY, MINUTE, START, request
from worlds.load import spray
from worlds.world import build

Records = tuple[list[bytes], list[int]]


@pytest.fixture(scope="module")
def world() -> list[bytes]:
    """A day and a half of 300 accounts and a hydra."""
    chunks = build(4, 1.5, 300, START, hydra_accounts=60).chunks()
    return [value for records in chunks for value in records.values]


def _engine(partitions: int) -> Engine:
    text = f"[engine]\npartitions = {partitions}\n[budgets]\n" + "\n".join(
        f"{name} = {1 << 16}"
        for name in (
            "accounts",
            "minute_rows",
            "dedupe_entries",
            "sightings",
            "single_keys",
            "templates",
        )
    )
    return Engine(load_config(text), KEY)


def _run(engine: Engine, records: list[bytes], batch: int = 0, drain: bool = True) -> list[bytes]:
    alerts: list[Alert] = []
    size = batch or len(records)
    for first in range(0, len(records), size):
        alerts += engine.feed(engine.decode(records[first : first + size]))
    if drain:
        alerts += engine.drain()
    return [msgspec.json.encode(alert) for alert in alerts]


@pytest.fixture(scope="module")
def expected(world: list[bytes]) -> dict[int, list[bytes]]:
    """The alerts of the world for one and for three partitions."""
    return {partitions: _run(_engine(partitions), world) for partitions in (1, 3)}


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("batch", [0, 7, 2000])
def test_alerts_do_not_depend_on_batches(
    world: list[bytes], expected: dict[int, list[bytes]], partitions: int, batch: int
) -> None:
    assert _run(_engine(partitions), world, batch) == expected[partitions]


@pytest.mark.parametrize("partitions", [1, 3])
def test_batches_of_one_give_the_same_alerts(world: list[bytes], partitions: int) -> None:
    some = world[:2500]
    assert _run(_engine(partitions), some, 1) == _run(_engine(partitions), some)


def test_the_world_raises_alerts_and_they_keep_the_contract(
    expected: dict[int, list[bytes]],
) -> None:
    for alerts in expected.values():
        assert alerts
        for alert in alerts:
            ALERT_SCHEMA.validate(orjson.loads(alert))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_prefix_of_the_records_gives_a_prefix_of_the_alerts(
    world: list[bytes], expected: dict[int, list[bytes]], share: float
) -> None:
    alerts = _run(_engine(3), world[: int(len(world) * share)], drain=False)
    assert alerts == expected[3][: len(alerts)]
    if share > 0.8:
        assert alerts


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_drain_closes_everything_at_every_stage(world: list[bytes], partitions: int) -> None:
    engine = _engine(partitions)
    _run(engine, world[:3000])
    ends = {a.closed for a in engine.accounts} | {k.closed for k in engine.networks}
    ends.add(engine.owner.closed)
    assert len(ends) == 1
    assert (ends.pop() + 1) % 1440 == 0
    assert all((a.state.minutes["requests"] == 0).all() for a in engine.accounts)
    assert all((a.state.hours["requests"] == 0).all() for a in engine.accounts)
    assert not engine.drain()


def test_an_engine_without_records_says_nothing() -> None:
    engine = _engine(3)
    assert not engine.feed(engine.decode([]))
    assert not engine.drain()


def test_a_quiet_partition_holds_nobody_back_and_misses_nothing_by_batching() -> None:
    records = [orjson.dumps(request(n, START + n * MINUTE, "busy")) for n in range(120)]
    quiet = [
        orjson.dumps(request(1000 + n, START + n * MINUTE, f"quiet-{n}")) for n in range(0, 120, 40)
    ]
    for n, record in enumerate(quiet):  # each 20 minutes behind the busy account
        records.insert(40 * n + 21, record)
    counted = []
    for batch in (1, 7, 0):
        engine = _engine(3)
        _run(engine, records, batch, drain=False)
        counted.append([a.counters.tolist() for a in engine.accounts])
        assert all(a.closed >= START // MINUTE + 90 for a in engine.accounts)
    assert counted[0] == counted[1] == counted[2]


def test_a_jump_of_years_passes_through_all_stages_at_once(world: list[bytes]) -> None:
    engine = _engine(2)
    _run(engine, world[:2000], drain=False)
    later = START + 50 * 365 * DAY
    rows = [orjson.dumps(request(n, later + n, f"later-{n}")) for n in range(200)]
    engine.feed(engine.decode(rows))
    assert engine.owner.closed > (START + 49 * 365 * DAY) // MINUTE


def test_a_spray_through_all_stages_is_the_same_twice() -> None:
    told = []
    for _ in range(2):
        engine = _engine(2)
        alerts: list[bytes] = []
        for records in spray(8_000, START, per_second=10.0):
            alerts += _run(engine, records.values, 3000)
        told.append((alerts, [a.counters.tolist() for a in engine.accounts]))
    assert told[0] == told[1]


@pytest.mark.parametrize("from_minute", [0, 30])
def test_an_organisations_allowance_holds_whenever_its_accounts_say_where_they_belong(
    from_minute: int,
) -> None:
    engine = _engine(1)
    families = ["identity", "infrastructure", "content", "volume", "lifecycle"]
    for n in range(10):
        allowed = {"control_id": f"c{n}", "kind": "allowance", "at": START, "org_id": f"o-{n}"}
        event = decode_control(
            orjson.dumps(allowed | {"until": START + DAY, "families": families}), None
        )
        assert isinstance(event, ControlEvent)
        engine.control(event)
    records = []
    for minute, n in itertools.product(range(150), range(30)):
        says: dict[str, object] = {"account_created_at": START - HOUR}
        if minute >= from_minute:
            says["org_id"] = f"o-{n}"
        if minute >= 60:
            says |= {"payment_fp": "c", "device_fp": "d", "ip_prefix_fp": "p", "system_fp": "s"}
        at = START + minute * MINUTE + n * 1000
        records.append(orjson.dumps(request(minute * 30 + n, at, f"a{n}", **says)))
    older = [
        request(90_000 + n, START + n, f"older-{n}", account_created_at=START - 400 * DAY)
        for n in range(10)
    ]
    records = [*map(orjson.dumps, older), *records]
    alerts = [orjson.loads(a) for a in _run(engine, records)]
    named = {a["account_id"] for a in alerts if a["kind"] == "account" and a["action"] != "observe"}
    assert named == {f"a{n}" for n in range(10, 30)}
