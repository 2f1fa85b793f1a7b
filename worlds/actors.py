"""The table of actors: everything about one way of acting that its requests are then drawn from.

An actor is one behaviour of one account over a span of time. Most accounts have one; an account
that is taken over, wakes up, or is shared by friends has several. Every piece of a world fills in
the same table, so that what follows treats all alike, and a new piece is one more file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from worlds.laws import PLAIN
from worlds.randomness import Floats
from worlds.vocabulary import CAPABILITIES, MODELS

TEMPLATE_SLOTS = 6
PLACE_SLOTS = 5
NEVER = 1 << 62  # ms since epoch: a time that does not come

Actors = npt.NDArray[np.void]

# Times are ms since epoch. A fingerprint of 0 and a place of 0 mean 'none'. *_cum columns hold
# how likely each choice is and rise to 1.
ACTOR = np.dtype(
    [
        # who
        ("account", np.int64),  # several actors may act for one
        ("uid", np.uint64),  # from which all its chance is drawn
        ("guilty", np.bool_),  # what it sends is sent for a campaign
        ("created", np.int64),
        ("starts", np.int64),  # no request before
        ("ends", np.int64),  # none from then on
        ("tier", np.int64),
        ("signup", np.int64),
        ("payment", np.uint64),
        ("org", np.uint64),
        ("referral", np.uint64),
        ("epoch", np.int64),  # of the key of the digests; 0: not said
        ("country", np.int64),  # billing; also gives the time zone and the language
        ("tongues", np.int64),  # languages that it sends in
        # when and how much
        ("rhythm", np.int64),
        ("active", np.float64),  # share of days with any request, before the weekly cycle
        ("daily_log", np.float64),  # mean of log requests on an active day
        ("daily_spread", np.float64),  # its standard deviation from day to day
        ("ramp", np.float64),  # daily growth of the log since `starts`
        ("most", np.int64),  # requests a day at which the provider's limit ends the tail
        ("turns", np.float64),  # mean requests of a session
        ("think_log", np.float64),  # log of the median ms between requests of a session
        ("think_spread", np.float64),
        ("beat", np.uint64),  # who share a beat begin their sessions together; 0: nobody
        ("beat_every", np.int64),  # ms
        ("beat_jitter", np.int64),  # ms
        ("beat_regular", np.bool_),  # at the same phase every time, as cron
        ("pool", np.int64),  # actors from `pool_first` on that take over a refused request
        ("pool_first", np.int64),
        ("error_share", np.float64),
        # from where, with what
        ("places", np.int64, (PLACE_SLOTS,)),
        ("places_cum", np.float64, (PLACE_SLOTS,)),
        ("devices", np.uint64, (2,)),
        ("devices_cum", np.float64, (2,)),
        ("client", np.int64),
        # what
        ("systems", np.uint64, (2,)),
        ("systems_cum", np.float64, (2,)),
        ("templates", np.uint64, (TEMPLATE_SLOTS,)),
        ("templates_cum", np.float64, (TEMPLATE_SLOTS,)),
        ("free_form", np.float64),  # share of prompts that follow no template
        ("jitter_from", np.int64),  # fewest and
        ("jitter", np.int64),  # most bits that a template's SimHash moves from prompt to prompt
        ("prompts", np.int64),  # size of the set of exact prompts it draws from; 0: no set
        ("prompt_set", np.uint64),
        ("capability_cum", np.float64, (len(CAPABILITIES),)),
        ("model_cum", np.float64, (len(MODELS),)),
        ("adopts", np.int64),  # from when it uses the newest model,
        ("moves", np.float64),  # for this share of its requests
        ("leaves", np.int64),  # from when it no longer uses the oldest model
        ("input_law", np.int64),
        ("input_log", np.float64),
        ("input_spread", np.float64),
        ("output_law", np.int64),
        ("output_log", np.float64),
        ("output_spread", np.float64),
        ("cot", np.float64),  # mean of the upstream score for eliciting reasoning
        ("grading", np.float64),  # and of the one for rubric grading
        ("silent", np.uint8, (4,)),  # never carries device, tls and client, template, system
        ("keep", np.float64),  # share of its requests that an attacker that adapts still sends
        ("reactions", np.int64),  # how often it has adapted
    ],
    align=True,
)


def blank(count: int) -> Actors:
    """Give `count` actors, each of an account of its own, with plain values everywhere."""
    table: Actors = np.zeros(count, dtype=ACTOR)
    plain: dict[str, Any] = {
        "account": np.arange(count),
        "ends": NEVER,
        "tier": 2,
        "tongues": 1,
        "active": 0.5,
        "daily_log": np.log(10.0),
        "daily_spread": 0.6,
        "most": 2_000,
        "turns": 7.0,
        "think_log": np.log(40_000.0),
        "think_spread": 1.0,
        "error_share": 0.008,
        "places_cum": 1.0,
        "devices_cum": 1.0,
        "systems_cum": 1.0,
        "templates_cum": 1.0,
        "capability_cum": 1.0,
        "free_form": 0.4,
        "jitter": 2,
        "model_cum": cumulative(np.array([[0.5, 0.35, 0.1, 0.05, 0.0]])),
        "adopts": NEVER,
        "leaves": NEVER,
        "input_law": PLAIN,
        "input_log": np.log(700.0),
        "input_spread": 0.8,
        "output_law": PLAIN,
        "output_log": np.log(350.0),
        "output_spread": 0.8,
        "cot": 0.12,
        "grading": 0.03,
        "keep": 1.0,
    }
    for name, value in plain.items():
        table[name] = value
    return table


def cumulative(weights: Floats) -> Floats:
    """Turn rows of weights into rows that rise to exactly 1."""
    total = np.cumsum(weights, axis=1)
    result: Floats = total / total[:, -1:]
    return result
