"""Whether events, truth and alerts are of one world, as far as the files show it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from worlds.score import Score
from worlds.scoring.ledger import Ledger
from worlds.scoring.sightings import Sightings
from worlds.scoring.who import HIJACKED


def check(truth: Mapping[str, Any], seen: Sightings, ledger: Ledger) -> None:
    """Raise ValueError where they are not of one world, or where events are missing."""
    known = truth["accounts"]
    # The truth leaves out who was to be taken over and never was, although their owner sends.
    hijacks = any(campaign["scenario"] in HIJACKED for campaign in truth["campaigns"])
    strangers = [] if hijacks else [name for name in seen.accounts if name not in known]
    if strangers:
        raise ValueError(f"events and truth are of two worlds: {_unknown(strangers, 'the truth')}")
    least, most = truth["requests"], truth["requests"] + truth["redelivered"]
    if not least <= seen.records <= most:
        raise ValueError(
            f"events and truth are of two worlds, or events are missing: {seen.records:,} records, "
            f"where the truth counts {least:,}, and {most - least:,} redelivered"
        )
    heard = set(seen.accounts)
    strangers = [name for name in ledger.account_news if name not in heard]
    if strangers:
        raise ValueError(
            f"alerts and events are of two worlds: {_unknown(strangers, 'the events')}"
        )


def mixed(truth: Mapping[str, Any], score: Score) -> list[str]:
    """Campaigns whose accounts send for others too: a file does not say which requests are whose."""
    own = {campaign["campaign"]: campaign["requests"] for campaign in truth["campaigns"]}
    return [c.campaign for c in score.campaigns if c.requests > own[c.campaign]]


def _unknown(strangers: Collection[str], where: str) -> str:
    count = len(strangers)
    accounts = "1 account is" if count == 1 else f"{count:,} accounts are"
    return f"{accounts} not in {where}, the first {min(strangers)!r}"
