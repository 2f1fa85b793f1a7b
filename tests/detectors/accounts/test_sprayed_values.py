"""An account that sprays values is told by lot, and hides neither a value of its own nor others' names."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.accounts import state as st
from detectors.accounts.first_sightings import TOLD
from detectors.accounts.minutes import most_minutes
from detectors.accounts.tick_closer import ClosedTick
from tests.detectors.accounts.test_crowding import key_of, partition_of, sprayed, told
from tests.stage_stories import HOUR, MINUTE, START, feed, request


def test_a_value_hidden_behind_a_spray_is_told_in_the_end_and_the_spray_is_not() -> None:
    partition = partition_of(minute_rows=4_000, sightings=1 << 16)
    closed: list[ClosedTick] = []
    for minute in range(60):
        spray = sprayed(600, START + minute * MINUTE, first=minute * 1_000)
        hidden = [{**e, "event_id": f"h-{minute}-{i}", "device_fp": "k1:hidden"}
                  for i, e in enumerate(spray[500:])]  # fmt: skip
        closed += feed(partition, [*spray[:500], *hidden])
    closed += partition.raise_mark(START + 2 * HOUR)
    devices = told(closed, "device_fp")
    assert key_of("device_fp", "k1:hidden") in devices
    assert len(devices) < 60 * 500 // 2
    assert partition.counters[st.EDGE_BY_LOT] > 60 * 200
    assert partition.counters[st.EDGE_OVERFLOW] == 0


def test_first_sightings_of_a_spraying_account_grow_as_the_logarithm_of_its_requests() -> None:
    partition = partition_of(minute_rows=20_000, sightings=1 << 16)
    share = most_minutes(partition.state)
    feed(partition, sprayed(30_000, START))
    edges = int(partition.state.scalars[st.EDGES])
    expected = 1 + 2 * (share + share + TOLD * (1 + np.log(30_000 / TOLD)))
    assert edges == pytest.approx(expected, rel=0.15)


def test_an_account_that_changes_its_organisation_with_each_request_hinders_no_others_name() -> (
    None
):
    partition = partition_of(minute_rows=50_000)
    feed(partition, [request(1, START, "quiet", org_id="o-old")])
    partition.raise_mark(START + 2 * MINUTE)
    flood = [request(10 + n, START + 3 * MINUTE, "loud", org_id=f"o-{n}") for n in range(6_000)]
    moved = request(9_999_999, START + 3 * MINUTE, "quiet", org_id="o-new")
    feed(partition, [*flood, moved])
    closed = partition.raise_mark(START + 5 * MINUTE)
    orgs = b"".join(bytes(t.names.org_ids) for t in closed if t.names is not None)
    assert b"o-new" in orgs
