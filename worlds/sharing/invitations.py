"""People who signed up by somebody's invitation: friends, a newsletter's readers, a course's alumni."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.randomness import choose, fingerprints, zipf_weights

# Assumptions: one account in eight came by an invitation. How many come by the same one falls by a
# power law, as how much one person draws in others does: most invite one or two, few some dozens.
SHARE, MOST, EXPONENT = 0.12, 60, 1.6


def share(at: Ground, table: Actors) -> None:
    """Let accounts carry the referral of whoever invited them."""
    rng, count = at.rng, len(table)
    wanted = round(count * min(1.0, SHARE * at.sharing))
    rows = rng.permutation(count)[:wanted]
    sizes = 1 + choose(rng, zipf_weights(MOST, EXPONENT), wanted)
    invitations = fingerprints(rng, wanted)
    table["referral"][rows] = np.repeat(invitations, sizes)[:wanted]
