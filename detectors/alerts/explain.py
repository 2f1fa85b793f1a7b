"""What a person reads first: what was seen, what is normal, why it matters, and what speaks against it.

Plain sentences about behaviour; never who an account belongs to, never a company, never a raw value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from detectors.campaigns.flagged_values import FlaggedKey
from detectors.campaigns.fusion import Signal, Verdict
from detectors.contract.alert import MAX_EXPLANATION, Suspected
from detectors.interface.key_kinds import KINDS

_SHOWN = 4  # a fifth reason convinces nobody
_FAMILY_WORDS = {
    "volume": "how much it is used",
    "drift": "how its use changes",
    "timing": "when it is used",
    "content": "what is sent",
    "capability": "what it is used for",
    "identity": "who pays or signs in",
    "infrastructure": "where it comes from",
    "lifecycle": "when accounts appear",
    "indicator": "known indicators",
}


def network(
    keys: Sequence[FlaggedKey], size: int, core: int, verdict: Verdict, counter: Sequence[str]
) -> str:
    """Explain a network alert by its strongest shared values."""
    if len(keys) > 1:
        opening = f"{_accounts(size)} are joined by {len(keys)} shared values"
        opening += f"; {core} of them at the core." if core else "."
    else:
        opening = f"{_accounts(size)} share one value."
    why = "One kind of sharing alone is often innocent: this is for information."
    if verdict.groups >= 2 and not verdict.circumstantial:
        why = "Independent signs agree that they act as one."
    elif verdict.groups >= 2:
        why = "Place and prompts alone also fit a class or a popular tool."
    return _joined([opening, *(_key(k) for k in keys[:_SHOWN]), why, _against(counter)])


def account(
    signals: Sequence[Signal],
    keys: Sequence[FlaggedKey],
    size: int,
    verdict: Verdict,
    counter: Sequence[str],
) -> str:
    """Explain an account alert by what it shares and how it behaves itself."""
    opening = "This account stands alone."
    if keys:
        opening = f"This account shares values with others, {_accounts(size)} in all."
    own = [_own(s) for s in signals if s.kind < 0][:_SHOWN]
    sides = [_FAMILY_WORDS[f] for f in verdict.families]
    why = "One side of it is odd, the rest is not known to be."
    if verdict.groups >= 2:
        why = f"It is odd from {len(sides)} sides: {', '.join(sides)}."
    shared = [_key(k) for k in keys[: _SHOWN - min(len(own), 2)]]
    return _joined([opening, *own, *shared, why, _against(counter)])


def ended(state: str, merged_into: str | None = None, *, erased: bool = False) -> str:
    """Explain the end of an alert."""
    if erased:
        return "Resolved: the account was erased on request, and with it what this alert rested on."
    if merged_into:
        return "This network has become one with another, under whose alert it goes on."
    if state == "retracted":
        return "Withdrawn: an allowance covers the evidence this alert rested on."
    return "Resolved: the evidence this alert rested on has gone stale, and nothing new was seen."


def suspected(kinds: Iterable[int], families: Iterable[str]) -> Suspected:
    """What the evidence supports: extraction only by what is sent, or by identities reused.

    Content or capability beside any other family, or two identity kinds (a card and a device, say).
    """
    known = set(families)
    identities = {k for k in kinds if k >= 0 and KINDS[k].family == "identity"}
    if known & {"content", "capability"} and len(known) >= 2:
        return "extraction"
    return "extraction" if len(identities) >= 2 else "unknown"


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count} accounts"


def _key(key: FlaggedKey) -> str:
    evidence = key.evidence
    return (
        f"One {KINDS[key.kind].noun} drew {_accounts(len(key.members))}"
        f" ({_plain(evidence.parameter)}: {_number(evidence.observed)}, where"
        f" {_number(evidence.expected)} is normal)."
    )


def _own(signal: Signal) -> str:
    evidence = signal.evidence
    what = _plain(evidence.parameter)
    since = f" since {_date(evidence.window_start)}" if evidence.family == "drift" else ""
    return (
        f"{what[:1].upper()}{what[1:]}: {_number(evidence.observed)}{since}, where"
        f" {_number(evidence.expected)} is normal."
    )


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()


def _plain(parameter: str) -> str:
    return parameter.replace("_", " ")


def _against(counter: Sequence[str]) -> str:
    return f"Against it: {'; '.join(counter)}." if counter else ""


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2g}"


def _joined(sentences: Sequence[str]) -> str:
    text = " ".join(s for s in sentences if s)
    return text if len(text) <= MAX_EXPLANATION else text[: MAX_EXPLANATION - 1] + "…"
