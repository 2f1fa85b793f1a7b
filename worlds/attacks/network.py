"""What operators of a network do alike: they look like developers and divide what they share.

No single card, device, prefix, template or system prompt joins all accounts, and no union of cards,
devices and prefixes does (`worlds/attacks/divisions.py`). 25.6 requests a day per account is the
rate that follows from published figures (28.8 M exchanges, 25,000 accounts, 45 days): the 50th to
80th percentile of an ordinary account's active day.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors, blank
from worlds.attacks.divisions import Supplies, divide
from worlds.clock import DAY_MS, HOUR_MS, LOOSE, WEEKDAYS
from worlds.ground import Ground
from worlds.personas import AGENT_BUILDER, DEVELOPER, draw_clients, dress, set_mix
from worlds.places import RESIDENTIAL
from worlds.population import set_adoption, set_habits, set_own_organisations, set_silences
from worlds.randomness import Ints, choose, fingerprints, skeletons
from worlds.vocabulary import COUNTRIES

REQUESTS_PER_DAY = 25.6
WAVES = 4
ANY = Supplies()
FRESH = 0.6  # share of accounts made days before use; the others are bought, or laid in stock
CAREFUL = 0.35  # the same, of operators who know that fresh accounts are looked at
_FRESH_DAYS = (0.2, 6.0)
# Accounts differ, and their days do nearly as much as ordinary ones': even load is easily seen.
_OWN_SPREAD, _DAY_SPREAD = 0.2, (0.3, 0.7)
_ACTIVE = 0.96  # share of days: an account that rests is one paid for nothing
_ACTIVE_DAYS = _ACTIVE * float(np.mean(WEEKDAYS[LOOSE]))  # its share of days, weekends counted
# How likely a part of a network sends no system prompt, or an account of another part: assumptions.
_BARE, _BARE_ACCOUNTS = 0.3, 0.45
# Prompts apart from the network's: accounts that try out templates of their own, how much, and what
# follows none. Assumptions.
_TRIES, _TRIES_SHARE, _FREE_FORM = 0.85, (0.02, 0.12), (0.02, 0.25)
_AGE_MEDIAN_DAYS, _AGE_SPREAD = 90.0, 1.1
_MIX = {"coding": 5.0, "agentic": 3.0, "reasoning": 2.5, "tools": 1.0, "chat": 0.5}


def network(
    at: Ground,
    count: int,
    begins: int,
    daily: float = REQUESTS_PER_DAY,
    spread: float = 0.4,
    fresh: float = FRESH,
    supplies: Supplies = ANY,
) -> Actors:
    """Make `count` accounts of one operator, which start in waves from `begins` (ms) on.

    `spread`: over which share of the rest of the period they start. `fresh`: share of accounts made
    days before. `supplies`: what its batches are likely to share.
    """
    rng = at.rng
    table = dressed(at, count)
    table["guilty"] = True
    set_volume(rng, table, daily)
    set_waves(at, table, begins, spread, fresh)
    divide(at, table, supplies)
    share_prompts(rng, table)
    return table


def dressed(at: Ground, count: int) -> Actors:
    """Make accounts that pass for developers by every field alone, each with means of its own."""
    rng = at.rng
    table = blank(count)
    dress(rng, table, np.array([DEVELOPER, AGENT_BUILDER])[choose(rng, [0.8, 0.2], count)])
    table["client"] = draw_clients(rng, ("api", "cli"), count)
    set_habits(rng, table, at.commons, np.ones(count, dtype=np.bool_))
    set_adoption(at, table)
    set_mix(rng, table, _MIX, 12.0)
    table["country"] = choose(rng, [c.weight for c in COUNTRIES], count)
    table["tier"] = choose(rng, [0.1, 0.2, 0.7], count)
    table["signup"] = choose(rng, [0.8, 0.05, 0.05, 0.04, 0.02, 0.04], count)
    table["payment"] = fingerprints(rng, count)
    set_own_organisations(rng, table, np.ones(count, dtype=np.bool_))
    table["cot"] = rng.beta(2.0, 8.0, count)
    table["places"][:, 0] = at.places.add(rng, RESIDENTIAL, table["country"])
    set_silences(rng, table)
    return table


def set_volume(rng: np.random.Generator, table: Actors, daily: float) -> None:
    """Let accounts send about `daily` requests nearly every day, at hours that look human."""
    count = len(table)
    table["rhythm"] = LOOSE
    table["active"] = _ACTIVE
    own = rng.normal(0, _OWN_SPREAD, count)
    spread = rng.uniform(*_DAY_SPREAD, count)
    table["daily_spread"] = spread
    table["daily_log"] = np.log(daily / _ACTIVE_DAYS) - (spread**2 + _OWN_SPREAD**2) / 2 + own
    table["turns"] = rng.uniform(3.0, 10.0, count)


def set_waves(at: Ground, table: Actors, begins: int, spread: float, fresh: float) -> None:
    """Start accounts in waves, all within the first `spread` of what is left of the period."""
    rng, count = at.rng, len(table)
    apart = max(1, int((at.period.end - begins) * spread) // (WAVES - 1))
    wave = np.sort(rng.integers(0, WAVES, count))
    table["starts"] = begins + wave * apart + rng.integers(0, max(1, apart // 3), count)
    aged = np.clip(rng.lognormal(np.log(_AGE_MEDIAN_DAYS), _AGE_SPREAD, count), 0.2, 700.0)
    age_days = np.where(rng.random(count) < fresh, rng.uniform(*_FRESH_DAYS, count), aged)
    table["created"] = table["starts"] - (age_days * DAY_MS).astype(np.int64)


def share_prompts(
    rng: np.random.Generator, table: Actors, templates: int = 0, jitter: int = 3
) -> None:
    """A few templates and system prompts, each used by a part of the network."""
    count = len(table)
    chosen = skeletons(rng, templates or int(rng.integers(3, 7)))
    systems = fingerprints(rng, int(rng.integers(3, 6)))
    first = rng.integers(0, len(chosen), count)
    second = (first + rng.integers(1, max(2, len(chosen)), count)) % len(chosen)
    table["templates"][:, 0] = chosen[first]
    table["templates"][:, 1] = chosen[second]
    own = np.where(rng.random(count) < _TRIES, rng.uniform(*_TRIES_SHARE, count), 0.0)
    table["templates_cum"] = 1.0
    table["templates_cum"][:, 0] = (1 - own) * rng.uniform(0.5, 0.8, count)
    table["templates_cum"][:, 1] = 1 - own  # the third is the account's own
    table["free_form"] = rng.uniform(*_FREE_FORM, count)
    table["jitter"] = rng.integers(1, jitter + 1, count)
    table["systems"][:, 0] = systems[rng.integers(0, len(systems), count)]
    bare = rng.random(len(systems)) < _BARE  # of these parts, the template is the whole prompt
    none = np.isin(table["systems"][:, 0], systems[bare]) | (rng.random(count) < _BARE_ACCOUNTS)
    table["systems"][none, 0] = 0
    table["systems_cum"][:, 0] = rng.uniform(0.4, 1.0, count)


def in_step(at: Ground, table: Actors, parts: int, every_minutes: int, jitter_s: int) -> None:
    """Dispatch the accounts of each part of the network together, at moments nobody can foretell."""
    part = at.rng.integers(0, parts, len(table))
    table["beat"] = fingerprints(at.rng, parts)[part]
    table["beat_every"] = every_minutes * 60_000
    table["beat_jitter"] = jitter_s * 1_000


def own_homes(at: Ground, table: Actors) -> None:
    """Give every account a residential prefix, a device and a card that nobody else has."""
    rng, count = at.rng, len(table)
    table["places"][:, 0] = at.places.add(rng, RESIDENTIAL, table["country"])
    table["places_cum"] = 1.0
    table["devices"][:, 0] = fingerprints(rng, count)
    table["devices_cum"] = 1.0
    table["payment"] = fingerprints(rng, count)


def hours(rng: np.random.Generator, low: float, high: float, count: int) -> Ints:
    """Draw durations in ms, evenly between two numbers of hours."""
    drawn: Ints = (rng.uniform(low, high, count) * HOUR_MS).astype(np.int64)
    return drawn
