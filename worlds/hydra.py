"""A hydra: a network of accounts that act as one, none of which stands out by its volume.

Its operators divide what they share, so that no single card, device, prefix, template or system
prompt joins all of them; only the overlap of the divisions does. About 25 requests a day per
account is the rate that follows from published figures (28.8 M exchanges, 25,000 accounts and
45 days).
"""

from __future__ import annotations

import numpy as np

from worlds.accounts import Accounts, blank, cumulative
from worlds.clock import DAY_MS, LOOSE, Period
from worlds.personas import client_weights, draw_mix, mix_row
from worlds.places import HOSTING, RESIDENTIAL, Places
from worlds.population import set_silences
from worlds.randomness import Ints, choose, fingerprints, shared_among, skeletons
from worlds.vocabulary import COUNTRIES, HYDRA

REQUESTS_PER_DAY = 25.0
WAVES = 4
STARTS_AT = 4 / 7  # of the period


def hydra(
    rng: np.random.Generator,
    places: Places,
    count: int,
    period: Period,
) -> Accounts:
    """Make a hydra of `count` accounts that starts in waves after four sevenths of the period."""
    table = blank(count, HYDRA)
    table.campaign[:] = 0
    _set_waves(rng, table, period)
    table.country = choose(rng, [c.weight for c in COUNTRIES], count)
    table.tier = choose(rng, [0.0, 0.3, 0.7], count)
    table.signup = choose(rng, [0.8, 0.05, 0.08, 0.05, 0.0, 0.02], count)
    table.rhythm[:] = LOOSE
    table.active_share[:] = 0.98
    table.daily_spread[:] = 0.25
    table.daily_log[:] = np.log(REQUESTS_PER_DAY) - table.daily_spread**2 / 2
    table.turns = rng.uniform(2.0, 6.0, count)

    cards = shared_among(rng, count, 4, 8)
    table.payment = fingerprints(rng, count)[cards]
    table.payment[rng.random(count) < 0.04] = 0
    table.devices[:, 0] = fingerprints(rng, count)[shared_among(rng, count, 2, 4)]
    _set_places(rng, table, places)
    _set_prompts(rng, table)

    mix = np.array([mix_row({"coding": 5.0, "agentic": 3.5, "reasoning": 4.0, "tools": 0.5})])
    table.capability_cum = draw_mix(rng, np.tile(mix, (count, 1)), 30.0)
    table.model_cum = np.tile(cumulative(np.array([[0.7, 0.02, 0.03, 0.25]])), (count, 1))
    table.client = choose(rng, client_weights(("api", "cli")), count)
    table.input_log = np.log(900.0) + rng.normal(0, 0.25, count)
    table.output_log = np.log(1100.0) + rng.normal(0, 0.2, count)
    table.cot = rng.beta(4.0, 6.0, count)
    table.error_share = rng.gamma(3.0, 0.005, count)
    set_silences(rng, table)
    return table


def _set_waves(rng: np.random.Generator, table: Accounts, period: Period) -> None:
    count = len(table)
    first = period.start + int((period.end - period.start) * STARTS_AT)
    apart = (period.end - first) // (3 * WAVES)  # all are at work after a quarter of what is left
    wave = np.sort(rng.integers(0, WAVES, count))
    table.starts = first + wave * apart + rng.integers(0, max(1, apart // 3), count)
    table.created = table.starts - (rng.uniform(0.2, 3.0, count) * DAY_MS).astype(np.int64)


def _set_places(rng: np.random.Generator, table: Accounts, places: Places) -> None:
    """Two prefixes per account from two separate divisions; a third of the prefixes are hosting."""
    for slot in range(2):
        group = shared_among(rng, len(table), 15, 40)
        groups = int(group.max()) + 1
        countries = choose(rng, [c.weight for c in COUNTRIES], groups)
        hosted = np.arange(groups) % 3 == 2
        of_group: Ints = np.zeros(groups, dtype=np.int64)
        of_group[~hosted] = places.add(RESIDENTIAL, countries[~hosted])
        of_group[hosted] = places.add(HOSTING, countries[hosted])
        table.places[:, slot] = of_group[group]
    table.places_cum[:] = (0.7, 1.0, 1.0)


def _set_prompts(rng: np.random.Generator, table: Accounts) -> None:
    """A few templates and system prompts, each used by a part of the network."""
    count = len(table)
    templates = skeletons(rng, int(rng.integers(3, 7)))
    systems = fingerprints(rng, int(rng.integers(3, 6)))
    first = rng.integers(0, len(templates), count)
    second = (first + rng.integers(1, len(templates), count)) % len(templates)
    table.templates[:, 0] = templates[first]
    table.templates[:, 1] = templates[second]
    table.templates_cum[:, 0] = rng.uniform(0.5, 0.8, count)
    table.free_form[:] = 0.06
    table.jitter[:] = 3
    table.systems[:, 0] = systems[rng.integers(0, len(systems), count)]
    table.systems_cum[:, 0] = 0.9
