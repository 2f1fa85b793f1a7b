"""What leaves: one alert per change of state, as the alert contract (version 1) writes it.

The same input gives the same bytes: fields stand in one order, floats are rounded when an alert is
made, and what is not known is left out or null as the contract wants.
"""

from __future__ import annotations

import hashlib
import math
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from detectors.interface.clock import MINUTE_MS
from detectors.interface.detector import SURPRISE_CAP, Evidence
from detectors.interface.family import Family

MAX_EVIDENCE = 20
MAX_LINKS = 20
MAX_COUNTER = 10
MAX_EXPLANATION = 2000

AlertKind = Literal["account", "network"]
State = Literal["open", "updated", "escalated", "resolved", "retracted"]
Role = Literal["core", "peripheral"]
Action = Literal["observe", "throttle", "verify", "restrict", "suspend"]
Severity = Literal["info", "low", "medium", "high", "critical"]
Mode = Literal["live", "shadow", "replay"]
Suspected = Literal[
    "extraction", "resale", "hijacked_account", "stolen_key", "cost_sharing", "unknown"
]

ACTIONS: tuple[Action, ...] = ("observe", "throttle", "verify", "restrict", "suspend")
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
OBSERVE, THROTTLE, VERIFY, RESTRICT, SUSPEND = range(len(ACTIONS))


class AlertEvidence(msgspec.Struct, frozen=True):
    """One piece of evidence in the contract's words."""

    detector: str
    family: Family
    parameter: str
    observed: float
    expected: float
    unit: str
    surprise_nats: float
    window_start: int
    window_end: int
    sample_event_ids: tuple[str, ...] | UnsetType = UNSET


class Link(msgspec.Struct, frozen=True):
    """A value that the accounts share, and how much sharing it says."""

    family: Family
    field: str
    value_fp: str
    accounts: int
    weight: float
    first_seen: int
    last_seen: int


class Exposure(msgspec.Struct, frozen=True):
    """What was taken, as far as it is known."""

    requests: int
    output_tokens: int
    cost_usd: float | UnsetType = UNSET
    capabilities: tuple[str, ...] | UnsetType = UNSET


class Trace(msgspec.Struct, frozen=True):
    """Which code and which configuration decided."""

    version: str
    config_digest: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of an alert; the fields and their meaning are the contract's."""

    schema_version: Literal[1] = 1
    alert_id: str
    revision: int
    kind: AlertKind
    account_id: str | None
    campaign_id: str | None
    merged_into: str | UnsetType = UNSET
    split_from: str | UnsetType = UNSET
    role: Role | UnsetType | None = UNSET
    size: int | UnsetType = UNSET
    state: State
    as_of: int
    first_seen: int | UnsetType = UNSET
    last_seen: int | UnsetType = UNSET
    severity: Severity
    confidence: float
    action: Action
    action_ttl_s: int | None
    families: tuple[Family, ...]
    evidence: tuple[AlertEvidence, ...]
    links: tuple[Link, ...] = ()
    counter_evidence: tuple[str, ...] = ()
    exposure: Exposure | UnsetType = UNSET
    explanation: str
    suspected: Suspected
    mode: Mode
    trace: Trace

    @property
    def key(self) -> bytes:
        """The record's key on the alert topic."""
        return self.alert_id.encode()

    @property
    def live(self) -> bool:
        """Whether this revision leaves the alert standing."""
        return self.state in ("open", "updated", "escalated")


_ENCODER = msgspec.json.Encoder(order=None)
_DECODER = msgspec.json.Decoder(Alert)


def encode(alert: Alert) -> bytes:
    """The alert as canonical JSON: one order of fields, no spaces."""
    return _ENCODER.encode(alert)


def decode(raw: bytes) -> Alert:
    """An alert that `encode` wrote; raises msgspec.DecodeError on anything else."""
    return _DECODER.decode(raw)


def body(alert: Alert) -> bytes:
    """The alert without mode and trace: what a live run and a replay must agree on."""
    fields = msgspec.to_builtins(alert)
    del fields["mode"], fields["trace"]
    return _ENCODER.encode(fields)


def alert_id(kind: AlertKind, subject: str, tick: int) -> str:
    """Digest of kind, subject and the tick in which the alert opened."""
    said = f"{kind}\0{subject}\0{tick}".encode()
    prefix = "acc-" if kind == "account" else "net-"
    return prefix + hashlib.sha256(said).hexdigest()[:16]


def as_of(tick: int) -> int:
    """The end of a tick, ms since epoch."""
    return (tick + 1) * MINUTE_MS


def in_contract_words(evidence: Evidence) -> AlertEvidence:
    """Evidence as the alert carries it, its floats finite and rounded so that bytes are stable."""
    return AlertEvidence(
        detector=evidence.detector,
        family=evidence.family,
        parameter=evidence.parameter,
        observed=rounded(evidence.observed),
        expected=rounded(evidence.expected),
        unit=evidence.unit,
        surprise_nats=round(min(max(finite(evidence.surprise), 0.0), SURPRISE_CAP), 3),
        window_start=evidence.window_start,
        window_end=evidence.window_end,
        sample_event_ids=evidence.sample_event_ids[:5] or UNSET,
    )


def rounded(value: float) -> float:
    """Six significant digits: more is noise, and noise differs between machines."""
    return float(f"{finite(value):.6g}")


def finite(value: float) -> float:
    """JSON knows no infinity: a value that is not finite becomes the nearest that says the same."""
    if math.isnan(value):
        return 0.0
    return min(max(value, -1e300), 1e300)
