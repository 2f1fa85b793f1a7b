"""Organisations: many seats behind one gateway, on one card, with one set of prompts.

The look-alike of a hydra that matters most: hard-linked by the card, sometimes growing by a whole
department in a day, and entirely honest.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors, blank
from worlds.clock import DAY_MS, HOUR_MS
from worlds.ground import Ground
from worlds.personas import AGENT_BUILDER, ANALYST, DEVELOPER, PIPELINE, TECHNICAL, WRITER, dress
from worlds.places import CORP
from worlds.population import mix_places, set_adoption, set_habits, set_silences
from worlds.randomness import Ints, choose, fingerprints, skeletons
from worlds.vocabulary import COUNTRIES

SMALLEST, LARGEST = 2, 200
STAFF = (DEVELOPER, ANALYST, WRITER, AGENT_BUILDER, PIPELINE)
STAFF_WEIGHTS = (0.5, 0.2, 0.2, 0.07, 0.03)


def sizes(seats: int) -> list[int]:
    """Divide about `seats` seats over organisations by Zipf's law; the largest has a third."""
    head = min(LARGEST, max(SMALLEST, seats // 3))
    result: list[int] = []
    left = seats
    while left >= SMALLEST:
        size = min(left, max(SMALLEST, head // (len(result) + 1)))
        result.append(size)
        left -= size
    return result


def staff(at: Ground, org: Ints) -> Actors:
    """Make the seats of organisations (`org` numbers them by seat): people, habits, ages."""
    rng, count = at.rng, len(org)
    orgs = int(org.max(initial=-1)) + 1
    table = blank(count)
    persona = np.array(STAFF)[choose(rng, STAFF_WEIGHTS, count)]
    dress(rng, table, persona)
    set_habits(rng, table, at.commons, np.isin(persona, TECHNICAL))
    set_adoption(at, table)
    table["country"] = choose(rng, [c.weight for c in COUNTRIES], orgs)[org]
    table["org"] = fingerprints(rng, orgs)[org]
    table["tier"] = np.where(np.bincount(org, minlength=orgs) >= 20, 3, 2)[org]
    table["signup"] = choose(rng, [0.6, 0.0, 0.1, 0.0, 0.15, 0.15], orgs)[org]
    founded = rng.integers(90, 900, orgs)[org]
    age_ms = (rng.random(count) * founded * DAY_MS).astype(np.int64)
    table["created"] = at.period.start - age_ms - DAY_MS
    table["starts"] = table["created"]
    set_silences(rng, table)
    return table


def organisations(at: Ground, seats: int) -> Actors:
    """Make organisations with about `seats` seats in all."""
    rng = at.rng
    of_org = np.array(sizes(seats), dtype=np.int64)
    orgs = len(of_org)
    org = np.repeat(np.arange(orgs), of_org)
    count = len(org)
    table = staff(at, org)
    payer = rng.random(orgs)
    invoiced = payer >= 0.93
    table["payment"] = np.where(
        (payer < 0.85)[org],
        fingerprints(rng, orgs)[org],
        np.where(invoiced[org], np.uint64(0), fingerprints(rng, count)),
    )
    gateway = at.places.add(rng, CORP, choose(rng, [c.weight for c in COUNTRIES], orgs))
    mix_places(at, table, gateway[org], 0.0, 0.5)
    house_prompt = rng.random(count) < 0.6
    table["systems"][house_prompt, 0] = fingerprints(rng, orgs)[org][house_prompt]
    house_template = rng.random(count) < 0.4
    table["templates"][house_template, 0] = skeletons(rng, orgs)[org][house_template]
    _take_on_batches(at, table, org, of_org)
    return table


def _take_on_batches(at: Ground, table: Actors, org: Ints, of_org: Ints) -> None:
    """The largest organisation and some others take on a batch of seats in one day."""
    rng, count, period = at.rng, len(org), at.period
    grows = (rng.random(len(of_org)) < 0.2) & (of_org >= 8)
    grows[:1] = True
    last = max(1, period.end - period.start - DAY_MS)
    day = period.start + rng.integers(0, last, len(of_org))
    batch = grows[org] & (rng.random(count) < 0.25)
    working_day = rng.integers(0, 8 * HOUR_MS, count)
    table["created"] = np.where(batch, day[org] + working_day, table["created"])
    table["starts"] = table["created"]
