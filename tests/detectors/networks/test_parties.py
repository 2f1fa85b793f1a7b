"""An organisation is one party at a value, and so is each account without one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as hs

from detectors.networks.windows import parties


@settings(max_examples=200)
@given(hs.lists(hs.integers(0, 4), max_size=30))
def test_an_organisation_is_one_party_and_so_is_each_account_without_one(orgs: list[int]) -> None:
    count, dominant, inside = parties(np.array(orgs, np.uint64))
    known = [o for o in orgs if o]
    assert count == len(set(known)) + orgs.count(0)
    assert inside == max((known.count(o) for o in known), default=0)
    assert dominant == min((o for o in known if known.count(o) == inside), default=0)
