"""What accounts showed by themselves, while it is fresh: judged evidence and what came with it.

Of one detector's evidence on one parameter a later, stronger piece replaces a weaker one; at most a few
are kept. Over budget, the accounts whose evidence ends soonest go first.
"""

from __future__ import annotations

import msgspec

from detectors.campaigns.fusion import Fusion
from detectors.exchange.findings import AccountFinding
from detectors.interface.clock import HOUR_TICKS
from detectors.interface.detector import Evidence

_PER_ACCOUNT = 8


class OwnEvidence(msgspec.Struct, frozen=True):
    """One judged finding: its evidence, until when it counts, the window's exposure, the account's model."""

    evidence: Evidence
    expires: int  # first tick in which it is stale
    first_seen: int
    last_seen: int
    requests: int
    output_tokens: int
    cost_micro: int
    model: int
    input_tokens: int


class AccountEvidence:
    """Fresh evidence by account, the longest-lasting last."""

    def __init__(self, rules: Fusion) -> None:
        self._rules = rules
        self._ttl = max(1, round(rules.own_ttl_hours * HOUR_TICKS))
        self.accounts: dict[int, list[OwnEvidence]] = {}
        self.evicted = 0

    def report(self, finding: AccountFinding, evidence: Evidence, tick: int) -> int | None:
        """Keep judged evidence; gives the tick in which it ends, None where it is too weak."""
        if evidence.surprise < self._rules.family_floor_nats:
            return None
        new = OwnEvidence(
            evidence=evidence,
            expires=tick + self._ttl,
            first_seen=finding.first_seen,
            last_seen=finding.last_seen,
            requests=finding.requests,
            output_tokens=finding.output_tokens,
            cost_micro=finding.cost_micro,
            model=finding.model,
            input_tokens=finding.input_tokens,
        )
        kept = [
            old
            for old in self.accounts.get(finding.account, [])
            if _subject(old.evidence) != _subject(evidence)
            or old.evidence.surprise > evidence.surprise
        ]
        self.accounts[finding.account] = [*kept, new][-_PER_ACCOUNT:]
        return new.expires

    def expire(self, account: int, tick: int) -> None:
        """Forget an account's evidence that is stale at `tick`."""
        fresh = [e for e in self.accounts.get(account, []) if e.expires > tick]
        if fresh:
            self.accounts[account] = fresh
        else:
            self.accounts.pop(account, None)

    def shed(self) -> list[int]:
        """Forget a tenth of the accounts when there are too many; gives those forgotten."""
        excess = len(self.accounts) - self._rules.own_budget
        if excess <= 0:
            return []
        order = sorted(self.accounts, key=lambda a: (self.accounts[a][-1].expires, a))
        gone = order[: excess + self._rules.own_budget // 10]
        for account in gone:
            del self.accounts[account]
        self.evicted += len(gone)
        return gone


def _subject(evidence: Evidence) -> tuple[str, str]:
    return evidence.detector, evidence.parameter
