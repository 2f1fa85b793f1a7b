"""A7: accounts are banned every day and replaced within the hour; births keep pace with bans."""

from __future__ import annotations

import numpy as np

from worlds.actors import NEVER, Actors
from worlds.attacks.divisions import residential_proxies
from worlds.attacks.network import network
from worlds.clock import DAY_MS, MINUTE_MS
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.randomness import fingerprints


def build(at: Ground, values: Values) -> Actors:
    """Make the standing accounts, and for each the line of its replacements.

    A replacement keeps the prompts of its place in the network, and half of the time each the card,
    the device and the prefixes. Every ban is also a control event.
    """
    rng = at.rng
    standing = network(at, values.count("accounts"), at.moment(values["starts"]))
    standing = np.sort(standing, order="starts")
    line: list[int] = []
    spans: list[tuple[int, int]] = []
    for place, begins in enumerate(standing["starts"].tolist()):
        now = begins
        while now < at.period.end:
            lives = max(0.05, rng.exponential(100 / values["percent_daily"]))
            ends = now + int(lives * DAY_MS)
            line.append(place)
            spans.append((now, ends if ends < at.period.end else NEVER))
            now = ends + int(rng.uniform(3, values["replaced_minutes"]) * MINUTE_MS)
    table = standing[np.array(line, dtype=np.int64)]
    table["account"] = np.arange(len(table))
    table["starts"], table["ends"] = np.array(spans, dtype=np.int64).T
    later = np.r_[False, np.diff(line) == 0]
    age = rng.integers(5 * MINUTE_MS, 3 * DAY_MS, len(table))
    table["created"] = np.where(later, table["starts"] - age, table["created"])
    new_card = later & (rng.random(len(table)) < 0.5)
    table["payment"] = np.where(new_card, fingerprints(rng, len(table)), table["payment"])
    own_org = later & (table["org"] != 0)
    table["org"] = np.where(own_org, fingerprints(rng, len(table)), table["org"])
    new_device = later & (rng.random(len(table)) < 0.5)
    table["devices"][new_device, 0] = fingerprints(rng, int(new_device.sum()))
    new_line = later & (rng.random(len(table)) < 0.5)
    proxied = table[new_line]
    residential_proxies(at, proxied)
    table[new_line] = proxied
    for account, (_, ends) in enumerate(spans):
        if ends != NEVER:
            at.controls.append(
                {
                    "control_id": f"ban-{int(fingerprints(rng, 1)[0]):012x}",
                    "kind": "enforcement",
                    "at": ends,
                    "account": account,
                    "action": "suspend",
                }
            )
    return table


PIECE = Piece(
    "ban_and_replace",
    "A7",
    "banned and replaced",
    build,
    {
        "accounts": accounts(120),
        "starts": starts(0.3),
        "percent_daily": Parameter(5.0, 0.1, 90.0, "percent of the accounts banned per day"),
        "replaced_minutes": Parameter(
            55.0, 4.0, 1440.0, "minutes within which a replacement works"
        ),
    },
)
