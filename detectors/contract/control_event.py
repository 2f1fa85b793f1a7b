"""What the platform tells the detector, as the control contract (version 1) writes it."""

from __future__ import annotations

from typing import Literal

import msgspec

from detectors.interface.family import Family

ControlKind = Literal[
    "enforcement",
    "model_release",
    "allowance",
    "feedback",
    "indicator",
    "key_rotation",
    "suppression",
]


class ControlEvent(msgspec.Struct, frozen=True):
    """One valid control event; times in ms since epoch. `recorded_at` is filled in when missing."""

    control_id: str
    kind: ControlKind
    at: int
    recorded_at: int
    revision: int = 1
    until: int | None = None
    account_id: str | None = None
    org_id: str | None = None
    campaign_id: str | None = None
    alert_id: str | None = None
    action: str | None = None
    model: str | None = None
    families: tuple[Family, ...] = ()
    verdict: str | None = None
    field: str | None = None
    value_fp: str | None = None
    confidence: float | None = None
    from_epoch: int | None = None
    to_epoch: int | None = None
    note: str | None = None
