"""What producers send that cannot be used as it is: told while it is read, so that somebody mends it.

Nothing of it stops detection, and none of it is seen in alerts: ids that are not unique, requests whose
usage is not known, properties that are given and say nothing. Shares are of the recent events alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from detectors.accounts import state as st
from detectors.contract.request_event import OPTIONAL
from detectors.decode.decoder import Decoded

RECENT = 20_000  # events: of a busy partition some seconds, of a quiet one a day
REUSED_SHARE = 0.01
NO_USAGE_SHARE = 0.1  # streams are broken off every day, but not by so many
UNUSABLE_SHARE = 0.05
LEAST = 100  # events, before a share says anything

READ, REUSED, NO_USAGE = (
    "events read",
    "ids reused",
    "usage not known",
)  # beside names of properties
CREATED = "account_created_at"
OF_COUNTERS = {REUSED: st.REUSED, NO_USAGE: st.NO_USAGE, CREATED: st.TOO_YOUNG}
_HINTS = {
    CREATED: "milliseconds since 1970 UTC, from 2010 on and not after event_time: seconds, "
    "microseconds, or the start of something later than the sign-up?",
}


class InputQuality:
    """Counts of what was read, and what of it could not be used; the past fades."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, decoded: Decoded) -> None:
        """Count a decoded batch: events, and properties that were given and say nothing."""
        self.counts[READ] += len(decoded.events)
        for at in decoded.unusable.nonzero()[0].tolist():
            self.counts[OPTIONAL[at]] += int(decoded.unusable[at])

    def ingested(self, new: np.ndarray) -> None:
        """Count what an account partition made of them; then halve all if there were many since.

        `new` (int64) is what its counters have gained, by the places in `detectors.accounts.state`.
        """
        for name, at in OF_COUNTERS.items():
            self.counts[name] += int(new[at])
        while self.counts[READ] > 2 * RECENT:
            self.counts = Counter({name: n // 2 for name, n in self.counts.items()})


def notes(parts: Iterable[InputQuality]) -> dict[str, str]:
    """A sentence for each share that is too large, by what it is about."""
    return told(sum((part.counts for part in parts), Counter()))


def told(counts: Counter[str]) -> dict[str, str]:
    """A sentence for each share of these counts that is too large, by what it is about."""
    read = counts[READ]
    if read < LEAST:
        return {}
    found = {}
    if counts[REUSED] > REUSED_SHARE * read:
        found["event_id"] = (
            f"{counts[REUSED] / read:.0%} of the events have an id that another event of their account "
            "had before: each counts, but of those that are alike in all else one. Give each request an "
            "id of its own"
        )
    if counts[NO_USAGE] > NO_USAGE_SHARE * read:
        found["usage"] = (
            f"of {counts[NO_USAGE] / read:.0%} of the requests input_tokens or output_tokens is null: "
            "they count, their tokens do not, and drift sees less"
        )
    for name in OPTIONAL:
        if counts[name] > UNUSABLE_SHARE * read:
            hint = _HINTS.get(name, "see the contract for what it may be")
            found[name] = (
                f"{counts[name] / read:.0%} of the events give a {name} that cannot be used, so it is "
                f"not known ({hint})"
            )
    return found
