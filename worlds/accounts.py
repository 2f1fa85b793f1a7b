"""The table of accounts: everything about an account that its requests are then drawn from.

Every group of a world (ordinary people, organisations, a class, a hydra) fills in the same table,
so that what follows treats them all alike and a new group is one more file that returns `Accounts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from worlds.randomness import Bools, Floats, Ints, Words
from worlds.vocabulary import CAPABILITIES

TEMPLATE_SLOTS = 6


@dataclass
class Accounts:
    """Accounts as columns of one length.

    Arrays with a second axis hold choices and how likely each is: `*_cum` columns rise to 1 along
    their row. Times are ms since epoch. A fingerprint of 0 and a place of 0 mean 'none'.
    """

    label: Ints
    campaign: Ints  # -1: none
    created: Ints
    starts: Ints  # no request before
    tier: Ints
    signup: Ints
    payment: Words
    org: Words
    country: Ints  # billing; also gives the time zone and the language
    rhythm: Ints
    active_share: Floats  # of days, before the weekly cycle
    daily_log: Floats  # mean of log requests on an active day
    daily_spread: Floats  # its standard deviation from day to day
    places: Ints  # (n, 3)
    places_cum: Floats
    devices: Words  # (n, 2)
    devices_cum: Floats
    client: Ints
    systems: Words  # (n, 2)
    systems_cum: Floats
    templates: Words  # (n, TEMPLATE_SLOTS)
    templates_cum: Floats
    free_form: Floats  # share of prompts that follow no template
    jitter: Ints  # most bits that a template's SimHash moves from prompt to prompt
    capability_cum: Floats  # (n, len(CAPABILITIES))
    model_cum: Floats  # (n, 4)
    input_log: Floats
    output_log: Floats
    cot: Floats  # mean of the upstream score for eliciting reasoning
    error_share: Floats
    turns: Floats  # mean requests of a session
    silent: Bools  # (n, 4): never carries device, tls and client, template, system

    def __len__(self) -> int:
        """Give the number of accounts."""
        return len(self.label)


def blank(count: int, label: int) -> Accounts:
    """Give `count` accounts of one group with plain values everywhere, for the group to fill in."""

    def zeros() -> Ints:
        return np.zeros(count, dtype=np.int64)

    def words(width: int) -> Words:
        return np.zeros((count, width), dtype=np.uint64)

    return Accounts(
        label=np.full(count, label, dtype=np.int64),
        campaign=np.full(count, -1, dtype=np.int64),
        created=zeros(),
        starts=zeros(),
        tier=np.full(count, 2, dtype=np.int64),
        signup=zeros(),
        payment=np.zeros(count, dtype=np.uint64),
        org=np.zeros(count, dtype=np.uint64),
        country=zeros(),
        rhythm=zeros(),
        active_share=np.full(count, 0.5),
        daily_log=np.full(count, np.log(10.0)),
        daily_spread=np.full(count, 0.6),
        places=np.zeros((count, 3), dtype=np.int64),
        places_cum=np.ones((count, 3)),
        devices=words(2),
        devices_cum=np.ones((count, 2)),
        client=zeros(),
        systems=words(2),
        systems_cum=np.ones((count, 2)),
        templates=words(TEMPLATE_SLOTS),
        templates_cum=np.ones((count, TEMPLATE_SLOTS)),
        free_form=np.full(count, 0.4),
        jitter=np.full(count, 2, dtype=np.int64),
        capability_cum=np.ones((count, len(CAPABILITIES))),
        model_cum=np.tile(cumulative(np.array([[0.5, 0.35, 0.1, 0.05]])), (count, 1)),
        input_log=np.full(count, np.log(700.0)),
        output_log=np.full(count, np.log(350.0)),
        cot=np.full(count, 0.12),
        error_share=np.full(count, 0.008),
        turns=np.full(count, 7.0),
        silent=np.zeros((count, 4), dtype=np.bool_),
    )


def cumulative(weights: Floats) -> Floats:
    """Turn rows of weights into rows that rise to exactly 1."""
    total = np.cumsum(weights, axis=1)
    result: Floats = total / total[:, -1:]
    return result


def joined(groups: Sequence[Accounts]) -> Accounts:
    """Put groups one after another into one table."""
    columns = {
        field.name: np.concatenate([getattr(group, field.name) for group in groups])
        for field in fields(Accounts)
    }
    return Accounts(**columns)
