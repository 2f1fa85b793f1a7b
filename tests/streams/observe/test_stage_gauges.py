"""What a stage counts is what Prometheus shows, and nothing of a partition stays that moved away."""

import re
import time
from collections.abc import Sequence

import orjson
import pytest
from prometheus_client import generate_latest

from detectors.accounts.event_time import BEGINNING
from detectors.accounts.partition import AccountPartition
from detectors.decode.decoder import Decoder
from detectors.exchange.hand_over import watermark_only
from detectors.kernels.partitioner import partition_of
from detectors.networks.partition import NetworkPartition
from detectors.registry import BUILT_IN
from streams.observe.metrics import Metrics
from streams.observe.misplacement import Misplacement, notes
from streams.observe.stage_gauges import (
    LATE_BY,
    AccountGauges,
    NetworkGauges,
    begin_at_zero,
)
from tests.stage_stories import KEY, MINUTE, START, config, request
from tests.streams.observe.series import TICK, shown


def outcomes(metrics: Metrics) -> dict[str, int]:
    return {
        sample.labels["outcome"]: int(sample.value)
        for sample in next(iter(metrics.events.collect())).samples
        if sample.name.endswith("_total")
    }


def told(
    metrics: Metrics,
    *values: bytes,
    room: int = 2_000,
    until: int = START,
    then: Sequence[bytes] = (),
) -> AccountPartition:
    """An account partition that was given these records, a mark, and others; and what it shows."""
    accounts = AccountPartition(config(accounts=room, minute_rows=room), 0)
    gauges = AccountGauges(metrics, "requests", 3, accounts)
    for batch in (values, then):
        decoded = Decoder(KEY).decode(batch)
        accounts.ingest(decoded)
        decoded.rejected.extend(accounts.take_refused())
        gauges.count(decoded)
        accounts.raise_mark(until)
    gauges.update(accounts)
    return accounts


def test_what_rules_watch_is_there_from_the_start() -> None:
    metrics = Metrics()
    begin_at_zero(metrics, BUILT_IN)
    about = {"kind": "account", "severity": "high", "action": "verify", "state": "open"}
    assert shown(metrics, "alerts_total", **about, mode="live") == 0


def test_an_hour_with_a_hole_in_the_input_is_counted() -> None:
    metrics = Metrics()
    accounts = AccountPartition(config(), 0)
    gauges = AccountGauges(metrics, "requests", 3, accounts)
    for tick in range(TICK, TICK + 3 * 1440):
        accounts.flow.close(tick, 2 if tick < TICK + 2 * 1440 + 60 else 0)
    gauges.update(accounts)
    assert shown(metrics, "input_outage_seconds_total") == 3600 * accounts.flow.kept.hours > 0
    gauges.update(accounts)
    assert shown(metrics, "input_outage_seconds_total") == 3600 * accounts.flow.kept.hours


def test_every_record_read_ends_in_exactly_one_outcome() -> None:
    metrics = Metrics()
    # More accounts in one minute than there is room for, none of which may be given up.
    crowd = [orjson.dumps(request(n, START, f"a-{n}")) for n in range(1500)]
    repeated, late = crowd[0], orjson.dumps(request(999, START, "a-0"))
    later = orjson.dumps(request(998, START + 60 * MINUTE, "a-0"))
    bad = [b"{", orjson.dumps(request(997, 2**62, "a-0")), orjson.dumps(request(996, -1))]
    told(metrics, *crowd, repeated, room=1000, until=START + 50 * MINUTE, then=[later, late, *bad])
    found = outcomes(metrics)
    assert sum(found.values()) == 1500 + 3 + 3
    assert found["duplicate"] == found["late"] == 1
    assert found["rejected"] == 3
    assert found["refused"] >= 500
    assert found["refused"] == sum(
        shown(metrics, "evictions_total", kind=kind) or 0
        for kind in ("account_refused", "minute_refused")
    )


@pytest.mark.parametrize(("behind", "by"), [(0.5, "1m"), (5, "10m"), (30, "1h"), (600, "1d")])
def test_late_events_are_shown_by_the_upper_bound_of_their_lateness(behind: float, by: str) -> None:
    metrics = Metrics()
    first, second = START + 1500 * MINUTE, START + round((1490 - behind) * MINUTE)
    begun = [orjson.dumps(request(-n, first)) for n in range(BEGINNING)]
    told(metrics, *begun, orjson.dumps(request(1, second)))
    assert [
        label for label in LATE_BY.values() if shown(metrics, "late_events_total", by=label)
    ] == [by]


def test_what_cannot_be_used_as_it_is_shows_in_metrics_by_property() -> None:
    metrics = Metrics()
    begin_at_zero(metrics, BUILT_IN)
    events = [request(n % 2, START + n, account_created_at=START // 1000) for n in range(10)]
    events[3] |= {"output_tokens": None, "account_created_at": None}
    told(metrics, *map(orjson.dumps, events))
    about = "account_created_at"
    assert shown(metrics, "unusable_properties_total", property=about) == 9
    assert shown(metrics, "unknown_properties_total", property=about) == 10
    assert shown(metrics, "unknown_properties_total", property="output_tokens") == 1
    assert shown(metrics, "unknown_properties_total", property="input_tokens") is None
    assert shown(metrics, "unusable_properties_total", property="lang") == 0
    assert shown(metrics, "reused_ids_total") == 8
    assert shown(metrics, "unknown_usage_total") == 1
    assert outcomes(metrics)["accepted"] == 10


def test_a_sign_up_that_moves_shows_as_one_that_cannot_be_used() -> None:
    metrics = Metrics()
    day = 1440 * MINUTE
    times = [START + n * day + k * MINUTE for n in range(6) for k in range(30)]
    events = [request(n, at, account_created_at=at) for n, at in enumerate(times)]
    told(metrics, *map(orjson.dumps, events))
    shown_now = shown(metrics, "unusable_properties_total", property="account_created_at")
    assert shown_now == len(events) - 2  # the first, and a minute of tolerance


def test_ticks_are_counted_from_the_first_chunk_on() -> None:
    metrics = Metrics()
    told(metrics, orjson.dumps(request(0, START)), until=START + 40 * MINUTE)
    assert shown(metrics, "ticks_closed_total", stage="accounts") == 50


def test_accounts_that_expire_are_shown() -> None:
    metrics = Metrics()
    days = config().budgets.account_expiry_days + 2
    told(
        metrics,
        orjson.dumps(request(0, START)),
        until=START + days * 1440 * MINUTE,
    )
    assert shown(metrics, "expired_total", kind="account") == 1


def test_delays_grow_with_the_clock_while_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, now = Metrics(), [START / 1000 + 100.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    accounts = AccountPartition(config(), 0)
    gauges = AccountGauges(metrics, "requests", 3, accounts)
    accounts.ingest(Decoder(KEY).decode([orjson.dumps(request(0, START))]))
    gauges.update(accounts)
    now[0] += 500
    gauges.update(accounts)
    assert shown(metrics, "event_lag_seconds", partition="3") == 600
    assert shown(metrics, "watermark_delay_seconds", stage="accounts", partition="3") == 1200


def test_event_time_ahead_of_the_clock_is_shown_below_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    monkeypatch.setattr(time, "time", lambda: START / 1000)
    told(metrics, orjson.dumps(request(0, START + 60 * MINUTE)))
    assert shown(metrics, "event_lag_seconds", partition="3") == -3600
    assert shown(metrics, "watermark_delay_seconds", stage="accounts", partition="3") == -3000


def test_the_share_of_late_events_is_that_of_the_last_ones() -> None:
    metrics, accounts = Metrics(), AccountPartition(config(), 0)
    gauges = AccountGauges(metrics, "requests", 3, accounts)

    def take(count: int, at: int) -> float | None:
        for first in range(0, count, 500):
            number = int(accounts.counters.sum()) + first
            rows = [orjson.dumps(request(number + n, at, f"a-{n % 9}")) for n in range(500)]
            accounts.ingest(Decoder(KEY).decode(rows))
            gauges.update(accounts)
        return shown(metrics, "late_share", partition="3")

    assert take(500, START) is None
    assert take(2_000, START) == 0
    accounts.raise_mark(START + MINUTE)
    assert take(500, START) == 0.5
    assert take(5_000, START) == 1
    assert take(5_000, START + MINUTE) == 0


def test_what_is_ahead_of_all_others_is_counted() -> None:
    metrics = Metrics()
    rows = [request(n, START + n * 1000, f"a-{n % 9}") for n in range(100)]
    rows.insert(50, request(-1, START + 60 * MINUTE))
    told(metrics, *map(orjson.dumps, rows))
    assert shown(metrics, "ahead_events_total") == 1


def test_a_partition_that_moved_away_leaves_nothing_of_its_own_and_all_of_others() -> None:
    metrics = Metrics()
    accounts, keys = AccountPartition(config(), 0), NetworkPartition(config(), 0)
    accounts.ingest(Decoder(KEY).decode([orjson.dumps(request(0, START))]))
    keys.receive(watermark_only(0, TICK))
    keys.advance()
    of_accounts = AccountGauges(metrics, "requests", 3, accounts)
    of_keys = NetworkGauges(metrics, "handovers", 3, keys)
    for gauges in (of_accounts, of_keys):
        gauges.partition.lag(7)
    of_accounts.update(accounts)
    of_keys.update(keys)

    def series() -> set[str]:
        text = generate_latest(metrics.registry).decode()
        return set(re.findall(r'^(hydrawatch_\S*partition="3"\S*) ', text, re.MULTILINE))

    both = series()
    of_keys.partition.release()
    left = series()
    assert {name for name in both - left if "handovers" in name or "single_key" in name}
    assert {'hydrawatch_lag_records{partition="3",topic="requests"}'} < left
    assert any("watermark_delay_seconds" in name for name in left)
    assert any('entities{kind="account"' in name for name in left)
    of_accounts.partition.release()
    assert series() == set()
    of_accounts.update(accounts)  # a task that was under way
    assert series() == set()


def test_what_restored_state_had_counted_is_not_counted_again() -> None:
    metrics = Metrics()
    values = [orjson.dumps(request(n, START)) for n in range(20)]
    accounts = AccountPartition(config(), 0)
    gauges = AccountGauges(metrics, "requests", 3, accounts)
    accounts.ingest(Decoder(KEY).decode(values))
    gauges.restore(accounts)
    accounts.ingest(Decoder(KEY).decode([orjson.dumps(request(20, START))]))
    gauges.update(accounts)
    assert outcomes(metrics)["accepted"] == 1


def test_events_of_accounts_that_belong_elsewhere_are_shown_with_their_share() -> None:
    metrics = Metrics()
    accounts = AccountPartition(config(partitions=4), 1)
    gauges = AccountGauges(metrics, "requests", 1, accounts)
    names = [f"a-{n}" for n in range(400)]
    strange = sum(partition_of(name.encode(), 4) != 1 for name in names)
    events = [orjson.dumps(request(n, START + n, name)) for n, name in enumerate(names)]
    accounts.ingest(Decoder(KEY).decode(events))
    gauges.update(accounts)
    assert shown(metrics, "misplaced_events_total") == strange > 200
    assert shown(metrics, "misplaced_share", partition="1") == strange / 400
    said = notes([gauges.misplacement, Misplacement()])["placement"]
    assert said.startswith(f"in 1 of 2 partitions up to {strange / 400:.0%} of recent requests")
    gauges.partition.release()
    assert shown(metrics, "misplaced_share", partition="1") is None


def test_what_one_account_brings_beyond_its_share_is_shown_apart_from_what_was_refused() -> None:
    metrics = Metrics()
    events = [
        orjson.dumps(
            request(n, START + n, "loud", device_fp=f"k1:{n}", template_fp=f"{n + 1:016x}")
        )
        for n in range(4_000)
    ]
    told(metrics, *events)
    assert outcomes(metrics)["accepted"] == 4_000
    assert outcomes(metrics)["refused"] == 0
    assert shown(metrics, "evictions_total", kind="minute_coarse") == 4_000 - 8
    assert shown(metrics, "evictions_total", kind="minute_refused") is None
    by_lot = [
        shown(metrics, "evictions_total", kind=f"{what}_by_lot") for what in ("edge", "prompt")
    ]
    assert all(count is not None and count > 1_000 for count in by_lot)
