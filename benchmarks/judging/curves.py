"""How each campaign went on over time, thinned for a plot: requests made, requests leaked, alerts."""

from __future__ import annotations

from typing import Any

import numpy as np

from worlds.scoring.leaks import events_of, first_alert, unnamed
from worlds.scoring.ledger import Ledger
from worlds.scoring.sightings import AttackEvents
from worlds.scoring.who import Who

POINTS = 120
HOUR_MS = 3_600_000


def curves(who: Who, events: AttackEvents, ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Per campaign: hours since its first request, cumulative shares made and leaked, alerts.

    `alerts` has how many accounts of the campaign were named for the first time in each interval.
    """
    found = {}
    free = unnamed(who, events, ledger)
    place = {name: at for at, name in enumerate(events.accounts)}
    for campaign in who.campaigns:
        mask = events_of(who, campaign, events, place)
        times = events.time[mask]
        if not len(times):
            continue
        edges = np.linspace(times.min(), times.max() + 1, POINTS + 1)
        made = np.cumsum(np.histogram(times, edges)[0]) / len(times)
        leaked = np.cumsum(np.histogram(times[free[mask]], edges)[0]) / len(times)
        starts = [ledger.spells[a][0][0] for a in campaign.accounts if a in ledger.spells]
        alerted = first_alert(who, campaign, ledger)
        found[campaign.name] = {
            "scenario": campaign.scenario,
            "hours": ((edges[1:] - edges[0]) / HOUR_MS).round(3).tolist(),
            "made": made.round(5).tolist(),
            "leaked": leaked.round(5).tolist(),
            "alerts": np.histogram(starts, edges)[0].tolist(),
            "first_alert_hours": None if alerted is None else (alerted - edges[0]) / HOUR_MS,
        }
    return found
