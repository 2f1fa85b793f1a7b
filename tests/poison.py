"""Detectors that raise for one entity each, and a world in which these entities are.

The thresholds are outside the ranges that `detectors.toml` may give: within them nothing is known that
makes a detector raise. What raises is the detectors' own arithmetic, in compiled code.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.births import KeyBirths
from detectors.births_priors import HOSTING
from detectors.config import Loaded
from detectors.interface.key_kinds import PREFIX
from detectors.volume import AccountVolume
from detectors.volume_baseline import overlap
from tests.configurations import replacing
from tests.stage_stories import DAY, MINUTE, request

POISONED_DAYS = 2  # active days in an account's past for which volume divides by nothing
HOSTS = "k1:hosts"


class NoPrior(KeyBirths):
    """Births that expect no account at all on a server's prefix, and divide by that."""

    __slots__ = ()

    def priors(self) -> NDArray[np.float64]:
        """The priors, with a hole in them."""
        table = KeyBirths.priors(self).copy()
        table[PREFIX, HOSTING, 0] = 0.0
        return table


def poisoned(loaded: Loaded, births: bool = True) -> Loaded:
    """The configuration with detectors that raise: volume, and births if wanted."""
    config = loaded.config
    volume = judging_early(config.of(AccountVolume))
    worth = 1.0 / overlap(POISONED_DAYS, volume.params().fade)
    volume = replace(volume, prior_days=1.0 - worth)
    config = replacing(config, volume)
    if births:
        healthy = config.of(KeyBirths)
        config = replacing(
            config, NoPrior(**{f.name: getattr(healthy, f.name) for f in fields(healthy)})
        )
    return replace(loaded, config=config)


def judging_early(volume: AccountVolume) -> AccountVolume:
    """Volume that judges an account from its second day on."""
    return replace(volume, min_windows=1)


def records(start: int, *, old: str | None = "k1:card-a", hosts: bool = True) -> list[Any]:
    """Three days of requests from midnight `start` on, in order.

    Twenty ordinary accounts; two that wake up on the third day, of which `old` has a day more of past;
    and three groups that sign up on the third day, each with a card of its own. The first group's is
    `old`'s as well ("": it has none; None: there is no such account), the second's is that of `young`,
    which comes from the group's prefix too. The third shares a server's prefix (`hosts`: it is known).
    """
    events: list[tuple[int, str, dict[str, Any]]] = []

    def active(account: str, day: int, count: int, first: int = 0, **more: Any) -> None:
        step = (1440 - first) * MINUTE / count
        for n in range(count):
            at = start + day * DAY + first * MINUTE + int((n + 0.5) * step)
            events.append((at, account, more))

    homes = {"ip_prefix_fp": "k1:homes", "ip_class": "residential"}
    shared = {
        "a": {"payment_fp": "k1:card-a"},
        "b": {"payment_fp": "k1:card-b"} | homes,
        "c": {"payment_fp": "k1:card-c"}
        | ({"ip_prefix_fp": HOSTS, "ip_class": "hosting"} if hosts else {}),
    }
    if old is not None:
        card = {"payment_fp": old} if old else {}
        for day, count in enumerate((40, 40, 2_500)):
            active("old", day, count, account_created_at=start, **card)
    for day, count in ((1, 40), (2, 2_500)):
        active("young", day, count, account_created_at=start + DAY, **shared["b"])
    for n in range(20):
        active(f"ordinary-{n}", 1, 60 + n)
        active(f"ordinary-{n}", 2, 60 + n)
    # Somebody is there on the first day too, or its hours would be holes in the input.
    for n in range(60):
        active(f"visitor-{n}", 0, 40, account_created_at=start - 400 * DAY)
    born = start + 2 * DAY
    for group, values in shared.items():
        for n in range(14):
            active(f"{group}-{n}", 2, 12, 100 + 5 * n, account_created_at=born, **values)
    events.sort(key=lambda e: (e[0], e[1]))
    return [
        request(n, at, account, **more, event_id=f"{account}-{at}")
        for n, (at, account, more) in enumerate(events)
    ]


def values(events: list[dict[str, Any]]) -> list[bytes]:
    """Requests as records."""
    return [orjson.dumps(event) for event in events]
