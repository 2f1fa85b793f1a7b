"""A12: one key, stolen, drained in hours on a weekend evening.

The published case made 810,000 requests in 5 hours; the default is scaled to 20,000. The account
belongs to somebody innocent, whose own requests go on.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import dressed, own_homes
from worlds.clock import DAY_MS, HOUR_MS, SPAN
from worlds.ground import Ground
from worlds.personas import PIPELINE, draw_clients
from worlds.piece import Parameter, Piece, Values, starts
from worlds.population import people

_EVENING = 18  # local hour at which it begins


def build(at: Ground, values: Values) -> Actors:
    """Make the owner's account, and the thief as a second actor of it."""
    owner = people(at, np.array([PIPELINE]))
    owner["created"] = np.minimum(owner["created"], at.period.start - 90 * DAY_MS)
    owner["starts"] = owner["created"]
    thief = dressed(at, 1)
    own_homes(at, thief)
    thief["client"] = draw_clients(at.rng, ("api",), 1)
    for name in ("account", "created", "tier", "signup", "payment", "org", "referral", "country"):
        thief[name] = owner[name]
    begins = _weekend_evening(at, int(owner["country"][0]), values["starts"])
    thief["guilty"] = True
    thief["rhythm"] = SPAN
    thief["starts"] = begins
    thief["ends"] = begins + int(values["hours"] * HOUR_MS)
    thief["active"] = 1.0
    thief["daily_log"], thief["daily_spread"] = (
        np.log(values["requests"] * 24 / values["hours"]),
        0.0,
    )
    thief["most"] = values.count("requests")
    thief["turns"] = 40.0
    thief["think_log"] = np.log(1_500.0)
    return np.concatenate([owner, thief])


def _weekend_evening(at: Ground, country: int, share: float) -> int:
    """Find the first Saturday or Sunday evening after a share of the period; else any evening."""
    offset = int(at.calendar.offset[country, 0])
    day = (at.moment(share) + offset) // DAY_MS
    evenings = [(day + n) * DAY_MS + _EVENING * HOUR_MS - offset for n in range(8)]
    inside = [t for t in evenings if at.period.start <= t < at.period.end - 6 * HOUR_MS]
    weekend = [t for t in inside if ((t + offset) // DAY_MS + 3) % 7 >= 5]
    return (weekend or inside or [at.moment(share)])[0]


PIECE = Piece(
    "stolen_key",
    "A12",
    "stolen key drained in hours",
    build,
    {
        "starts": starts(0.5),
        "requests": Parameter(20_000, 100, 2_000_000, "requests in all"),
        "hours": Parameter(5.0, 0.5, 5.9, "hours"),
    },
)
