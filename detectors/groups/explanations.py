"""What else explains a group that looks like an operator's: tests, each with what it does not excuse.

A test is about facts of the group that an innocent cannot help and that an operator has to pay for; where it
holds, the group is no evidence. What anybody can have for nothing excuses nobody: an organisation that was
made with its members, an address shared by accounts that have others, an invitation passed on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detectors.groups.book import Picture
from detectors.interface.clock import DAY_MS, HOUR_MS
from detectors.interface.key_kinds import PREFIX
from detectors.interface.looks import LOOKS

Test = Callable[[Picture, int], bool]

MOST = 0.5  # of a group's members
OLD_DAYS = 21  # an organisation that old, by its median member, was not made for the group
_PLACES = {name: place for place, name in enumerate(LOOKS)}
PLACE, PLACES = 0.4, 0.6  # of the members on the first prefix, on the first three
SERVED = 0.3  # of the requests from hosting, VPN or Tor: beyond it a place is no venue
CROWD = 60  # holders of one prefix, of whom an operator would divide


def one_organisation(picture: Picture, place: int) -> bool:
    """Colleagues: most are of one organisation, which has a past that its members of today did not bring."""
    groups = picture.groups
    rows = groups.rows[groups.starts[place] : groups.starts[place + 1]]
    orgs = picture.members["org"][rows]
    values, counts = np.unique(orgs[orgs != 0], return_counts=True)
    if not values.size or counts.max() < MOST * rows.size:
        return False
    everyone = picture.members[picture.members["org"] == values[np.argmax(counts)]]
    began = np.where(everyone["created"] >= 0, everyone["created"], everyone["first"])
    age_days = ((picture.hour + 1) * HOUR_MS - began) / DAY_MS
    return bool(np.median(age_days) >= OLD_DAYS)


def one_venue(picture: Picture, place: int) -> bool:
    """People in one place: most come from a prefix or three that serve people, not machines."""
    known = _look(picture, place, "prefix_known")
    first = known * _look(picture, place, "prefix_top")
    three = known * _look(picture, place, "prefix_top3")
    served = _mean(picture, place, "hosted")
    if served >= SERVED:
        return False
    crowd = picture.groups.kinds[place] == PREFIX and picture.groups.sizes[place] >= CROWD
    return bool(first >= PLACE or three >= PLACES or crowd)


def one_invitation(picture: Picture, place: int) -> bool:
    """An advertisement or an invitation that was passed on: most came by it."""
    known = _look(picture, place, "referral_known")
    return bool(known * _look(picture, place, "referral_top") >= MOST)


EXPLANATIONS: dict[str, Test] = {
    "one organisation with a past": one_organisation,
    "one venue": one_venue,
    "one invitation": one_invitation,
}


def explained(picture: Picture, place: int) -> str:
    """The first explanation that holds for a group; empty: none does."""
    return next((name for name, test in EXPLANATIONS.items() if test(picture, place)), "")


def _look(picture: Picture, place: int, name: str) -> float:
    return float(picture.looks[place, _PLACES[name]])


def _mean(picture: Picture, place: int, manner: str) -> float:
    """The mean share of members' requests that are made so."""
    groups = picture.groups
    rows = groups.rows[groups.starts[place] : groups.starts[place + 1]]
    members = picture.members[rows]
    return float(np.mean(members[manner] / np.maximum(members["requests"], 1e-6)))
