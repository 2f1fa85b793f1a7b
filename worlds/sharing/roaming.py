"""Lines that are renumbered and people who move about: more prefixes per account, few people on each."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground

# Some providers change a customer's address every day, others after weeks (Padmanabhan et al.,
# Reasons Dynamic Addresses Change, IMC 2016): that a quarter of the lines move between two prefixes
# within weeks is an assumption. So are the haunts: libraries, shared offices, trains, other homes.
RENUMBERED, HAUNTS = 0.25, 0.30
_SECOND_LINE, _HAUNT = 3, 4  # slots of an actor's places


def share(at: Ground, table: Actors) -> None:
    """Give some accounts a second prefix at home, and some a small prefix elsewhere."""
    rng, count = at.rng, len(table)
    table["places"][:, _SECOND_LINE] = at.commons.homes.draw(rng, table["country"])
    table["places"][:, _HAUNT] = at.commons.haunts.draw(rng, table["country"])
    weights = np.diff(table["places_cum"], axis=1, prepend=0.0)
    moved = np.where(rng.random(count) < RENUMBERED * at.sharing, rng.uniform(0.2, 0.5, count), 0.0)
    weights[:, _SECOND_LINE] = weights[:, 0] * moved
    weights[:, 0] *= 1 - moved
    out = np.where(rng.random(count) < HAUNTS * at.sharing, rng.uniform(0.05, 0.3, count), 0.0)
    weights *= (1 - out)[:, None]
    weights[:, _HAUNT] = out
    table["places_cum"] = np.cumsum(weights, axis=1)
    table["places_cum"][:, -1] = 1.0
