"""All that innocent people share, in order: later ways lie over earlier ones, so that circles touch."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.sharing import (
    cafes,
    device_models,
    dormitories,
    family_plans,
    freelancers,
    households,
    roaming,
    second_accounts,
    team_cards,
)

_WAYS = (
    roaming,
    dormitories,
    device_models,
    cafes,
    households,
    family_plans,
    team_cards,
    freelancers,
    second_accounts,
)


def share(at: Ground, table: Actors) -> None:
    """Let the accounts of `table` share what people share, `at.sharing` times as much as usual."""
    for way in _WAYS:
        way.share(at, table)
