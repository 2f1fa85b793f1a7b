"""Components in columns beside their plain definition, and what a spray of values cannot do."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.campaigns import components as columns
from detectors.campaigns.components import components, counted
from detectors.campaigns.flagged_values import KeyId
from detectors.campaigns.fusion import Fusion
from detectors.interface.key_kinds import KINDS
from tests.owner_stories import account

RULES = Fusion()
CARD = next(kind for kind, described in enumerate(KINDS) if described.hard)
SOFT = [kind for kind, described in enumerate(KINDS) if not described.hard][:3]


def plain(members: dict[KeyId, list[int]], rules: Fusion) -> list[list[KeyId]]:
    """The definition, pair by pair."""
    shared = Counter(
        {(a, b): len({*members[a]} & {*members[b]}) for a, b in combinations(members, 2)}
    )
    links = []
    for (one, other), count in shared.items():
        hard = KINDS[one[0]].hard and KINDS[other[0]].hard
        smaller = min(len(members[one]), len(members[other]))
        enough = count >= rules.link_shared and count >= rules.link_share * smaller
        if count and (hard or enough):
            links.append((not hard, -count, one, other))
    parts = [({key}, {*held}) for key, held in members.items()]
    for _, _, one, other in sorted(links):
        (a,) = (part for part in parts if one in part[0])
        (b,) = (part for part in parts if other in part[0])
        if a is not b and len(a[1] | b[1]) <= rules.campaign_cap:
            parts = [part for part in parts if part is not a and part is not b]
            parts.append((a[0] | b[0], a[1] | b[1]))
    return sorted(sorted(keys) for keys, _ in parts)


values = st.tuples(st.sampled_from([CARD, *SOFT]), st.integers(1, 9))
holders = st.sets(st.integers(0, 25).map(account), min_size=2, max_size=12).map(sorted)
worlds = st.dictionaries(values, holders, max_size=14).map(lambda w: dict(sorted(w.items())))


@given(worlds, st.sampled_from([10, 18, 5_000]), st.sampled_from([0.2, 0.6]))
@settings(deadline=None, max_examples=300)
def test_components_are_those_of_their_definition(
    members: dict[KeyId, list[int]], cap: int, share: float
) -> None:
    rules = Fusion(campaign_cap=cap, link_share=share)
    assert components(members, rules) == plain(members, rules)


@given(worlds)
@settings(deadline=None)
def test_many_values_are_grouped_as_few_are(members: dict[KeyId, list[int]]) -> None:
    few = components(members, RULES)
    dense = columns._DENSE
    try:
        columns._DENSE = 0
        assert components(members, RULES) == few
    finally:
        columns._DENSE = dense


def test_accounts_that_spray_values_stay_with_those_they_share_a_card_with() -> None:
    cell = [account(n) for n in range(8)]
    sprayed = {(SOFT[0], n): sorted(cell[:2]) for n in range(1, 3_000)}
    members = dict(sorted({(CARD, 7): sorted(cell), (SOFT[1], 5): sorted(cell), **sprayed}.items()))
    kept = counted(members)
    assert kept[CARD, 7] == sorted(cell)
    assert kept[SOFT[1], 5] == sorted(cell)
    assert sum(map(len, kept.values())) <= 8 * 24
    (everyone,) = components(kept, RULES)
    assert {(CARD, 7), (SOFT[1], 5)} <= set(everyone)


def test_cards_that_are_sprayed_push_out_no_other_kind_of_evidence() -> None:
    cell = sorted(account(n) for n in range(8))
    cards = {(CARD, n): cell for n in range(1, 200)}
    members = dict(sorted({(SOFT[0], 1): cell, (SOFT[1], 1): cell, **cards}.items()))
    kept = counted(members)
    assert {(SOFT[0], 1), (SOFT[1], 1)} <= kept.keys()
    assert len(kept) == 24


def test_nothing_is_left_out_of_what_few_values_say() -> None:
    members = {(SOFT[0], n): [account(1), account(2)] for n in range(1, 25)}
    assert counted(members) == members
    assert counted({}) == {}
    assert components({}, RULES) == []
