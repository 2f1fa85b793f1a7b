"""The ground that a world's pieces stand on: its period, its places, and what everybody may share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from worlds.clock import DAY_MS, Calendar, Period, calendar
from worlds.neighbourhoods import Pool, pool
from worlds.places import EDU, HOSTING, MOBILE, VPN, Places
from worlds.prompts import framework_templates
from worlds.randomness import (
    Floats,
    Ints,
    Words,
    choose,
    fingerprints,
    skeletons,
    stream,
    zipf_weights,
)
from worlds.vocabulary import COUNTRIES, MODELS, NEWEST

# Accounts to a prefix of homes (a /24 of IPv4: up to 256 lines), not counting those behind the
# provider's address translation. A world is a sample of a platform with millions of accounts, so
# neighbours are as near as there, whatever the world's size: an assumption, as a platform's reach is.
_AT_HOME = 0.6
# 17 % of access networks put homes behind carrier-grade NAT (Richter et al., A Multi-perspective
# Analysis of Carrier-Grade NAT Deployment, IMC 2016); how many then meet is an assumption.
_BEHIND_CGN, _OF_A_CGN = 0.17, 12.0
_OF_A_HAUNT = 12.0  # accounts that might come; three in ten ever do
# A dozen frameworks are known to everybody, and beside them there are starter kits, tutorials and
# gists with some dozens of users: one for every so many accounts, an assumption.
_OF_A_KIT = 80
_OF_A_MODEL = 40  # accounts per common model, of which one in six to twenty-five has it


@dataclass(frozen=True)
class Commons:
    """What everybody may share: prefixes by kind, common devices, frameworks' prompts and templates."""

    mobile: Ints  # as many prefixes per country, in the order of COUNTRIES
    vpn: Ints
    cloud: Ints
    campus: Ints
    homes: Pool
    haunts: Pool
    devices: Words  # fingerprints of common models,
    device_weights: Floats  # and how common they are
    systems: Words
    templates: Words


@dataclass(frozen=True)
class Ground:
    """What a piece may use. `rng` is the piece's own: it moves no other piece.

    `controls` collects what the platform would tell a detector about the piece: contracts,
    releases, rotations of keys (contract v1, control events).
    """

    seed: int
    period: Period
    places: Places
    commons: Commons
    calendar: Calendar
    release_at: int
    rng: np.random.Generator
    sharing: float = 1.0  # how much people share every day, times the usual
    controls: list[dict[str, Any]] = field(default_factory=list)

    def moment(self, share: float) -> int:
        """Give the time (ms) at a share of the period."""
        return self.period.start + round((self.period.end - self.period.start) * share)

    def for_piece(self, name: str) -> Ground:
        """Give the same ground with the random stream of the piece of that name."""
        return replace(self, rng=stream(self.seed, name))


def ground(
    seed: int,
    period: Period,
    accounts: int,
    release: float,
    sharing: float = 1.0,
    texts: float = 0.0,
) -> Ground:
    """Lay out the ground of a world of about `accounts` accounts; a model comes out at `release`.

    A share `texts` of frameworks' templates, the most used first, are fingerprints of texts.
    """
    places = Places()
    rng = stream(seed, "commons")
    per_country = max(1, accounts // (60 * len(COUNTRIES)))
    countries = np.repeat(np.arange(len(COUNTRIES)), per_country)
    anywhere = choose(rng, [c.weight for c in COUNTRIES], max(6, accounts // 60))
    common = Commons(
        mobile=places.add(rng, MOBILE, countries),
        vpn=places.add(rng, VPN, anywhere[:6]),
        cloud=places.add(rng, HOSTING, anywhere),
        campus=places.add(rng, EDU, anywhere[: max(2, len(anywhere) // 20)]),
        homes=pool(places, rng, accounts, _AT_HOME, _BEHIND_CGN, _OF_A_CGN),
        haunts=pool(places, rng, accounts, _OF_A_HAUNT),
        devices=fingerprints(rng, max(4, accounts // _OF_A_MODEL)),
        device_weights=zipf_weights(max(4, accounts // _OF_A_MODEL), 0.6),
        systems=fingerprints(rng, 12 + accounts // _OF_A_KIT),
        templates=skeletons(rng, 20 + accounts // _OF_A_KIT),
    )
    as_text = round(len(common.templates) * texts)
    common.templates[:as_text] = framework_templates(common.templates[:as_text])
    laid = Ground(seed, period, places, common, calendar(period), 0, rng, sharing)
    at = laid.moment(release)
    laid.controls.append(
        {
            "control_id": "release-1",
            "kind": "model_release",
            "at": at,
            "recorded_at": at - DAY_MS,
            "model": MODELS[NEWEST].name,
        }
    )
    return replace(laid, release_at=at)
