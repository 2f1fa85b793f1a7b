"""What whole groups of accounts did lately: where all who use a model change, one of them is no news."""

from __future__ import annotations

import msgspec

from detectors.campaigns.account_evidence import OwnEvidence
from detectors.interface.clock import DAY_MS, DAY_TICKS
from detectors.interface.detector import Entity, Evidence

LASTS_TICKS = 3 * DAY_TICKS
NEAR_MS = 3 * DAY_MS  # between when a group and when one of its accounts changed
# Of a day's requests: whoever wants to be excused by a model of his own must be the platform's fifth.
LEAST_SHARE = 0.2
MOST_OWN_SHARE = (
    0.25  # of a model's day: an account with more moved it, and is no excuse for itself
)


class GroupEvidence(msgspec.Struct, frozen=True):
    """One group's evidence, and its day: requests, tokens in and out.

    `share` is its part of all requests of that day, `name` what it is called.
    """

    entity: Entity
    group: int
    name: str
    share: float
    requests: int
    input: int
    output: int
    evidence: Evidence


class KeptGroup(msgspec.Struct, frozen=True):
    """Evidence about a group, and until when it counts."""

    found: GroupEvidence
    expires: int


class PopulationBook:
    """Fresh evidence about groups; a group has one piece per detector and parameter."""

    def __init__(self) -> None:
        self.kept: list[KeptGroup] = []

    def hear(self, found: tuple[GroupEvidence, ...], tick: int) -> None:
        """Keep what was found in a tick, and forget what is stale."""
        fresh = [k for k in self.kept if k.expires > tick]
        for one in found:
            fresh = [k for k in fresh if _subject(k.found) != _subject(one)]
            fresh.append(KeptGroup(one, tick + LASTS_TICKS))
        self.kept = fresh

    def explains(self, own: OwnEvidence) -> GroupEvidence | None:
        """What all on an account's model, a large one, did at that time that its evidence says again."""
        evidence = own.evidence
        for kept in self.kept:
            theirs = kept.found.evidence
            if (
                kept.found.entity == "model"
                and kept.found.group == own.model
                and _small_part(own, kept.found)
                and kept.found.share >= LEAST_SHARE
                and theirs.parameter == evidence.parameter
                and (theirs.observed > theirs.expected) == (evidence.observed > evidence.expected)
                and abs(theirs.window_start - evidence.window_start) <= NEAR_MS
            ):
                return kept.found
        return None


def _small_part(own: OwnEvidence, group: GroupEvidence) -> bool:
    """Whether an account's day is a small part of a group's, in all that is followed of it."""
    return all(
        mine <= MOST_OWN_SHARE * all_
        for mine, all_ in (
            (own.requests, group.requests),
            (own.input_tokens, group.input),
            (own.output_tokens, group.output),
        )
    )


def _subject(found: GroupEvidence) -> tuple[str, int, str, str]:
    return found.entity, found.group, found.evidence.detector, found.evidence.parameter
