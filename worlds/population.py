"""Ordinary accounts: people and small pipelines, with cards, devices and habits of their own.

They share what strangers share: carrier-grade NAT, VPN exits, cloud egress, campuses, neighbours'
prefixes, clients, framework prompts; and in small circles what `worlds/sharing` says.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import NEVER, TEMPLATE_SLOTS, Actors, blank, cumulative
from worlds.clock import DAY_MS
from worlds.ground import Commons, Ground
from worlds.personas import PERSONAS, STUDENT_PERSONA, TECHNICAL, dress
from worlds.randomness import Bools, Ints, choose, fingerprints, skeletons, zipf_weights
from worlds.sharing import everyday, returning
from worlds.vocabulary import COUNTRIES, SIGNUPS, TIERS

BIRTHS_PER_DAY = 0.01  # of the population
# Organisations with one seat are the most common of all, as firms without employees are (four in five
# in the United States; Census Bureau, Nonemployer Statistics). How many accounts are one: assumptions.
_OWN_ORG_TECHNICAL, _OWN_ORG = 0.6, 0.15
_PROGRAMMES = np.array([SIGNUPS.index(path) for path in ("edu", "startup", "research")])
_IN_A_PROGRAMME = 0.75  # of those who came by one of these paths: an assumption
_ADOPTION_MEDIAN_DAYS, _ADOPTION_SPREAD, _NEVER_ADOPT = 4.0, 1.3, 0.2


def ordinary(at: Ground, count: int) -> Actors:
    """Make `count` ordinary accounts; about 1 % of them a day are born within the period."""
    rng = at.rng
    persona = choose(rng, [p.weight for p in PERSONAS], count)
    table = people(at, persona, within=1.0)
    returning.share(at, table)
    return table


def people(at: Ground, persona: Ints, within: float = everyday.WITHIN_A_COHORT) -> Actors:
    """Make ordinary accounts of the personas given (their numbers), of all ages and countries.

    `within`: share of the circles in which they share things that are among themselves.
    """
    rng, count = at.rng, len(persona)
    table = blank(count)
    dress(rng, table, persona)
    technical = np.isin(persona, TECHNICAL)
    table["country"] = choose(rng, [c.weight for c in COUNTRIES], count)
    _set_ages(at, table)
    _set_terms(rng, table, technical)
    set_habits(rng, table, at.commons, technical)
    set_adoption(at, table)
    _set_places(at, table, persona, technical)
    everyday.share(at, table, within)
    set_silences(rng, table)
    return table


def set_adoption(at: Ground, table: Actors) -> None:
    """Let accounts take to the newest model along a curve: some at once, most in days, some never."""
    rng, count = at.rng, len(table)
    wait = rng.lognormal(np.log(_ADOPTION_MEDIAN_DAYS), _ADOPTION_SPREAD, count) * DAY_MS
    never = rng.random(count) < _NEVER_ADOPT
    table["adopts"] = np.where(never, NEVER, at.release_at + wait.astype(np.int64))
    table["moves"] = rng.uniform(0.4, 1.0, count)


def set_habits(rng: np.random.Generator, table: Actors, shared: Commons, technical: Bools) -> None:
    """Give devices, prompt templates and system prompts: mostly one's own, partly a framework's."""
    count = len(table)
    table["devices"] = fingerprints(rng, count * 2).reshape(count, 2)
    second = np.where(rng.random(count) < 0.4, rng.uniform(0.05, 0.4, count), 0.0)
    table["devices_cum"] = cumulative(np.stack([1 - second, second], axis=1))

    table["templates"] = skeletons(rng, count * TEMPLATE_SLOTS).reshape(count, TEMPLATE_SLOTS)
    weights = rng.gamma(0.7, 1.0, (count, TEMPLATE_SLOTS)) + 0.01
    weights[np.arange(TEMPLATE_SLOTS) >= rng.integers(2, TEMPLATE_SLOTS, count)[:, None]] = 0.0
    framework = rng.random(count) < np.where(technical, 0.35, 0.08)
    popular = shared.templates[choose(rng, zipf_weights(len(shared.templates)), count)]
    table["templates"][framework, -1] = popular[framework]
    share = weights.sum(axis=1) * rng.uniform(0.2, 1.0, count)
    weights[:, -1] = np.where(framework, share, 0.0)
    table["templates_cum"] = cumulative(weights)

    table["systems"] = 0
    kind = rng.random(count)
    own = kind < np.where(technical, 0.35, 0.1)
    popular_system = shared.systems[choose(rng, zipf_weights(len(shared.systems)), count)]
    from_framework = ~own & (kind < np.where(technical, 0.75, 0.25))
    table["systems"][own, 0] = fingerprints(rng, count)[own]
    table["systems"][from_framework, 0] = popular_system[from_framework]
    plain = rng.uniform(0.0, 0.4, count)  # share of requests without any system prompt
    table["systems_cum"] = cumulative(np.stack([1 - plain, plain], axis=1))


def set_own_organisations(rng: np.random.Generator, table: Actors, technical: Bools) -> None:
    """Let solo developers and one-person companies be an organisation of their own."""
    count = len(table)
    alone = rng.random(count) < np.where(technical, _OWN_ORG_TECHNICAL, _OWN_ORG)
    table["org"] = np.where(alone, fingerprints(rng, count), np.uint64(0))


def set_silences(rng: np.random.Generator, table: Actors) -> None:
    """Let some accounts never carry some optional fields, whoever they are."""
    table["silent"] |= rng.random((len(table), 4)) < np.array([0.05, 0.04, 0.04, 0.05])


def mix_places(at: Ground, table: Actors, main: Ints, away_low: float, away_high: float) -> None:
    """Put accounts at `main`, and for a share of sessions between the two given at homes of theirs."""
    rng, count = at.rng, len(table)
    table["places"][:, 0] = main
    table["places"][:, 1] = at.commons.homes.draw(rng, table["country"])
    away = rng.uniform(away_low, away_high, count)
    table["places_cum"] = 1.0
    table["places_cum"][:, 0] = 1 - away


def _set_ages(at: Ground, table: Actors) -> None:
    rng, count, period = at.rng, len(table), at.period
    newborn = rng.random(count) < BIRTHS_PER_DAY * period.days / (1 + BIRTHS_PER_DAY * period.days)
    age_days = np.clip(rng.lognormal(np.log(220), 1.0, count), 1.0, 1500.0)
    table["created"] = np.where(
        newborn,
        rng.integers(period.start, period.end, count),
        period.start - (age_days * DAY_MS).astype(np.int64),
    )
    table["starts"] = table["created"]


def _set_terms(rng: np.random.Generator, table: Actors, technical: Bools) -> None:
    count = len(table)
    table["tier"] = np.where(
        technical,
        choose(rng, [0.15, 0.1, 0.7, 0.05], count),
        choose(rng, [0.5, 0.1, 0.4, 0.0], count),
    )
    table["signup"] = choose(rng, [0.8, 0.05, 0.04, 0.03, 0.02, 0.06], count)
    by_programme = np.isin(table["signup"], _PROGRAMMES) & (rng.random(count) < _IN_A_PROGRAMME)
    table["tier"] = np.where(by_programme, TIERS.index("program"), table["tier"])
    pays = rng.random(count) < np.array([0.15, 0.6, 0.97, 0.97, 0.4])[table["tier"]]
    table["payment"] = np.where(pays, fingerprints(rng, count), np.uint64(0))
    set_own_organisations(rng, table, technical)


def _set_places(at: Ground, table: Actors, persona: Ints, technical: Bools) -> None:
    rng, shared, count = at.rng, at.commons, len(table)
    home = shared.homes.draw(rng, table["country"])
    per_country = len(shared.mobile) // len(COUNTRIES)
    mobile = shared.mobile[table["country"] * per_country + rng.integers(0, per_country, count)]
    cloud = shared.cloud[choose(rng, zipf_weights(len(shared.cloud), 0.8), count)]
    campus = shared.campus[rng.integers(0, len(shared.campus), count)]
    vpn = shared.vpn[choose(rng, zipf_weights(len(shared.vpn)), count)]
    in_cloud = technical & (rng.random(count) < 0.4)
    away = np.where(in_cloud, cloud, np.where(persona == STUDENT_PERSONA, campus, mobile))
    table["places"][:, :3] = np.stack([home, away, vpn], axis=1)
    second = np.where(in_cloud | (rng.random(count) < 0.45), rng.uniform(0.1, 0.6, count), 0.0)
    tunnel = np.where(rng.random(count) < 0.08, rng.uniform(0.3, 0.9, count), 0.0)
    table["places_cum"][:, :3] = cumulative(
        np.stack([(1 - second) * (1 - tunnel), second * (1 - tunnel), tunnel], axis=1)
    )
