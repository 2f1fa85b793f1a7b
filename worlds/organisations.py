"""Organisations: many seats behind one gateway, on one card, with one set of prompts.

The look-alike of a hydra that matters most: hard-linked by the card, sometimes growing by a whole
department in a day, and entirely honest.
"""

from __future__ import annotations

import numpy as np

from worlds.accounts import Accounts, blank, cumulative
from worlds.clock import DAY_MS, HOUR_MS, Period
from worlds.personas import AGENT_BUILDER, ANALYST, DEVELOPER, PIPELINE, WRITER, dress
from worlds.places import CORP, RESIDENTIAL, Places
from worlds.population import Commons, set_habits, set_silences
from worlds.randomness import Ints, choose, fingerprints, skeletons
from worlds.vocabulary import COUNTRIES, ORGANISATION

SMALLEST, LARGEST = 2, 200
_STAFF = (DEVELOPER, ANALYST, WRITER, AGENT_BUILDER, PIPELINE)
_STAFF_WEIGHTS = (0.5, 0.2, 0.2, 0.07, 0.03)


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


def organisations(
    rng: np.random.Generator,
    places: Places,
    shared: Commons,
    seats: int,
    period: Period,
) -> Accounts:
    """Make organisations with about `seats` seats in all."""
    of_org = np.array(sizes(seats), dtype=np.int64)
    orgs = len(of_org)
    org = np.repeat(np.arange(orgs), of_org)
    count = len(org)
    table = blank(count, ORGANISATION)
    persona = np.array(_STAFF)[choose(rng, _STAFF_WEIGHTS, count)]
    dress(rng, table, persona)
    technical = np.isin(persona, (DEVELOPER, AGENT_BUILDER, PIPELINE))
    set_habits(rng, table, shared, technical)

    org_country = choose(rng, [c.weight for c in COUNTRIES], orgs)
    table.country = org_country[org]
    table.org = fingerprints(rng, orgs)[org]
    table.tier = np.where(of_org >= 20, 3, 2)[org]
    table.signup = choose(rng, [0.6, 0.0, 0.1, 0.0, 0.15, 0.15], orgs)[org]

    payer = rng.random(orgs)
    corporate = payer < 0.85
    invoiced = payer >= 0.93
    table.payment = np.where(
        corporate[org],
        fingerprints(rng, orgs)[org],
        np.where(invoiced[org], np.uint64(0), fingerprints(rng, count)),
    )

    gateway = places.add(CORP, org_country)
    table.places[:, 0] = gateway[org]
    table.places[:, 1] = places.add(RESIDENTIAL, table.country)
    remote = rng.beta(1.2, 4.0, count)
    table.places_cum = cumulative(np.stack([1 - remote, remote, np.zeros(count)], axis=1))

    house_prompt = rng.random(count) < 0.6
    table.systems[house_prompt, 0] = fingerprints(rng, orgs)[org][house_prompt]
    house_template = rng.random(count) < 0.4
    table.templates[house_template, 0] = skeletons(rng, orgs)[org][house_template]

    table.created = _seat_dates(rng, org, of_org, period)
    table.starts = table.created.copy()
    set_silences(rng, table)
    return table


def _seat_dates(rng: np.random.Generator, org: Ints, of_org: Ints, period: Period) -> Ints:
    """Spread seats over the past; the largest and some others take on a batch in one day."""
    count = len(org)
    founded = rng.integers(90, 900, len(of_org))[org]
    created = period.start - (rng.random(count) * founded * DAY_MS).astype(np.int64) - DAY_MS
    grows = (rng.random(len(of_org)) < 0.2) & (of_org >= 8)
    grows[:1] = True
    day_of_org = period.start + rng.integers(
        0, max(1, period.end - period.start - DAY_MS), len(of_org)
    )
    batch = grows[org] & (rng.random(count) < 0.25)
    working_day = rng.integers(0, 8 * HOUR_MS, count)
    return np.where(batch, day_of_org[org] + working_day, created)
