"""All that innocent people share, in order: later ways lie over earlier ones, so that circles touch.

A circle is drawn within one table. Of a class or a hackathon, most of those whom its people live, work
or pay with are not in it: its circles are thinned.
"""

from __future__ import annotations

from dataclasses import replace

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.sharing import (
    cafes,
    device_models,
    dormitories,
    family_plans,
    freelancers,
    households,
    invitations,
    roaming,
    second_accounts,
    team_cards,
)

WITHIN_A_COHORT = 0.25  # share of one's circles that are of the same cohort: an assumption
_WITH_STRANGERS = (roaming, dormitories, device_models)
_IN_CIRCLES = (
    cafes,
    households,
    family_plans,
    team_cards,
    freelancers,
    second_accounts,
    invitations,
)


def share(at: Ground, table: Actors, within: float) -> None:
    """Let the accounts of `table` share what people share, `at.sharing` times as much as usual.

    `within`: share of their circles that lie within the table.
    """
    for way in _WITH_STRANGERS:
        way.share(at, table)
    thinned = replace(at, sharing=at.sharing * within)
    for way in _IN_CIRCLES:
        way.share(thinned, table)
