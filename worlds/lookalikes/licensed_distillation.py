"""B5: a customer with a contract for synthetic data: an extraction in everything but permission.

The contract is a control event (an allowance for the organisation); nothing else tells it apart.
"""

from __future__ import annotations

from worlds.actors import Actors
from worlds.attacks.network import network
from worlds.clock import DAY_MS
from worlds.ground import Ground
from worlds.piece import Piece, Values, accounts, starts
from worlds.places import HOSTING
from worlds.randomness import fingerprints


def build(at: Ground, values: Values) -> Actors:
    """Make the customer's accounts: one organisation, one card, two cloud prefixes, few templates."""
    rng, count = at.rng, values.count("accounts")
    table = network(at, count, at.moment(values["starts"]))
    table["guilty"] = False
    table["tier"], table["signup"] = 3, 4
    org = fingerprints(rng, 1)[0]
    table["org"], table["payment"] = org, fingerprints(rng, 1)[0]
    table["created"] = at.period.start - 30 * DAY_MS
    table["places"][:, :2] = at.places.add(rng, HOSTING, table["country"][:1].repeat(2))
    at.controls.append(
        {
            "control_id": f"contract-{int(org):012x}",
            "kind": "allowance",
            "at": at.period.start - 20 * DAY_MS,
            "until": at.period.end + 300 * DAY_MS,
            "org_id": f"o-{int(org):012x}",
            "families": ["volume", "timing", "content", "capability", "identity", "infrastructure"],
            "note": "contract for synthetic data",
        }
    )
    return table


PIECE = Piece(
    "licensed_distillation",
    "B5",
    "licensed distillation customer",
    build,
    {
        "accounts": accounts(60),
        "starts": starts(0.1),
    },
)
