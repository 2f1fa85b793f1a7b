"""What else explains accounts that look like an operator's: tests, each with what it does not excuse.

A test is about facts of the accounts that an innocent cannot help and that an operator has to pay for; where
it holds, what they share is no evidence. No place and no invitation explains cards that are shared in small
cells, which is how an operator saves: people in one room or of one course pay each for himself; nor does an
invitation explain devices. An organisation explains where half of its members are three weeks old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from detectors.exchange.findings import KeyFinding
from detectors.groups.book import OLD_DAYS, GroupBook, Picture
from detectors.groups.looks import ATTRIBUTES
from detectors.interface.clock import DAY_MS, HOUR_MS
from detectors.interface.key_kinds import DEVICE, SYSTEM, TEMPLATE

Rows = NDArray[np.int64]
Test = Callable[[Picture, Rows], bool]

MOST = 0.5  # of the accounts
PLACE, PLACES = 0.4, 0.6  # of the accounts on the first prefix, on the first three
VENUE = (
    8  # accounts that use a prefix at the least: an operator's exit has fewer, or serves machines
)
SERVED = 0.3  # of the requests from hosting, VPN or Tor: beyond it a place is no venue
CELLS = 0.1  # of the accounts: where more share a card with few others, nothing explains them
EXPLICABLE = (DEVICE, SYSTEM, TEMPLATE)  # newcomers on them may be people in one place

_COLUMN = {name: place for place, name in enumerate(ATTRIBUTES)}


def one_organisation(picture: Picture, rows: Rows) -> bool:
    """Colleagues: most are of one organisation, which has a past that its members of today did not bring."""
    orgs = picture.members["org"][rows]
    values, counts = np.unique(orgs[orgs != 0], return_counts=True)
    if not values.size or counts.max() < MOST * rows.size:
        return False
    everyone = picture.members[picture.members["org"] == values[np.argmax(counts)]]
    age_days = ((picture.hour + 1) * HOUR_MS - everyone["created"]) / DAY_MS  # unknown: old
    return bool(np.median(age_days) >= OLD_DAYS)


def one_venue(picture: Picture, rows: Rows) -> bool:
    """People in one place: most come from a prefix or three that many use, and that serve people."""
    if _in_cells(picture, rows, "card") > CELLS:
        return False
    prefixes, counts = _values(picture, rows, "prefix")
    if not counts.size or (counts[0] < PLACE * rows.size and counts[:3].sum() < PLACES * rows.size):
        return False
    everyone = picture.primary[:, _COLUMN["prefix"]]
    if np.count_nonzero(everyone == prefixes[0]) < VENUE:
        return False
    members = picture.members[rows]
    return bool(np.mean(members["hosted"] / np.maximum(members["requests"], 1e-6)) < SERVED)


def one_invitation(picture: Picture, rows: Rows) -> bool:
    """An advertisement or an invitation that was passed on: most came by it."""
    if max(_in_cells(picture, rows, kind) for kind in ("card", "device")) > CELLS:
        return False
    _, counts = _values(picture, rows, "referral")
    return bool(counts.size and counts[0] >= MOST * rows.size)


EXPLANATIONS: dict[str, Test] = {
    "one organisation with a past": one_organisation,
    "one venue": one_venue,
    "one invitation": one_invitation,
}


def explained(picture: Picture, rows: Rows) -> str:
    """The first explanation that holds for some members (int64 rows); empty: none does."""
    return next((name for name, test in EXPLANATIONS.items() if test(picture, rows)), "")


def unexplained(book: GroupBook, found: Iterable[KeyFinding]) -> list[KeyFinding]:
    """Those of others' findings about values that are not of newcomers in one venue."""
    picture = book.latest
    return [f for f in found if picture is None or not _is_explained(book, picture, f)]


def _is_explained(book: GroupBook, picture: Picture, found: KeyFinding) -> bool:
    if found.kind not in EXPLICABLE:
        return False
    rows = book.members.find(np.array(found.members, np.uint64))
    known = rows[rows >= 0]
    return 2 * known.size > rows.size and one_venue(picture, known)


def _values(
    picture: Picture, rows: Rows, attribute: str
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The values of members, the most common first, and how many have each; of those who have one."""
    values = picture.primary[rows, _COLUMN[attribute]]
    found, counts = np.unique(values[values != 0], return_counts=True)
    order = np.lexsort((found, -counts))
    return found[order], counts[order]


def _in_cells(picture: Picture, rows: Rows, attribute: str) -> float:
    """The share of members who have a value that another has too, but fewer than half of all."""
    _, counts = _values(picture, rows, attribute)
    small = counts[(counts >= 2) & (2 * counts < rows.size)]
    return float(small.sum() / max(rows.size, 1))
