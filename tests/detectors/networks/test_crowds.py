"""More holders than are named of a value: which then counts as public, and of which all stay named."""

from __future__ import annotations

from detectors.births_priors import HOSTING, MOBILE
from detectors.interface.key_kinds import CROWD_ROOM, PREFIX
from detectors.networks import state as ks
from tests.detectors.networks.scenes import (
    T0,
    close,
    edge,
    members_of,
    partition_of,
    sent,
    shared_of,
)


def test_members_are_named_up_to_the_cap_and_then_a_value_of_old_customers_is_a_hub() -> None:
    keys = partition_of(member_cap=16)
    old = {"kind": PREFIX, "young": 0}
    close(keys, sent(0, T0, edges=[edge(a, **old) for a in range(1, 17)]))
    assert members_of(keys, kind=PREFIX) == list(range(1, 17))
    close(keys, sent(0, T0 + 1, edges=[edge(a, **old) for a in range(17, 40)]))
    shared = shared_of(keys, kind=PREFIX)
    assert shared is not None
    assert shared["hub"] == 1
    assert shared["accounts"] == 39
    assert keys.state.counters[ks.HUBS] == 1


def test_a_crowd_is_judged_before_a_value_is_a_hub_and_stays_named_if_it_is_odd() -> None:
    keys = partition_of(member_cap=16)
    joined = [edge(a, kind=PREFIX, ip_class=HOSTING) for a in range(1, 41)]
    (finding,) = close(keys, sent(0, T0, edges=joined), until=T0)[0].keys
    assert len(finding.members) == 40
    assert members_of(keys, kind=PREFIX) == list(range(1, 41))
    usual = partition_of(member_cap=16)
    joined = [edge(a, kind=PREFIX, ip_class=MOBILE) for a in range(1, 19)]
    assert close(usual, sent(0, T0, edges=joined), until=T0) == []
    shared = shared_of(usual, kind=PREFIX)
    assert shared is not None
    assert (shared["hub"], shared["members"]) == (1, 0)


def test_a_card_is_no_hub_however_many_hold_it_and_keeps_those_it_named() -> None:
    keys = partition_of(member_cap=16)
    close(keys, sent(0, T0, edges=[edge(a) for a in range(1, 200)]))
    close(keys, sent(0, T0 + 1, edges=[edge(a) for a in range(100, 300)]))
    shared = shared_of(keys)
    assert shared is not None
    assert (shared["hub"], shared["accounts"], shared["births"]) == (0, 299, 299)
    assert members_of(keys) == list(range(1, 16 * CROWD_ROOM + 1))
