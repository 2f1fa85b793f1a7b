"""What crosses from accounts to networks, per (source, target, tick), field by field."""

from __future__ import annotations

import numpy as np

from detectors.interface.columns import CAPABILITY_SLOTS

EDGE = np.dtype(
    [
        ("key", "<u8"),
        ("account", "<u8"),
        ("org", "<u8"),
        ("time", "<i8"),  # event time of the first sighting, ms
        ("name_at", "<u4"),  # the value itself, in the hand-over's names
        ("name_len", "<u2"),
        ("kind", "u1"),
        ("young", "u1"),  # the account was new when it first used the value
        ("ip_class", "u1"),
    ]
)
SUM = np.dtype(
    [
        ("key", "<u8"),
        ("input", "<i8"),
        ("output", "<i8"),
        ("requests", "<u4"),
        ("accounts", "<u4"),
        ("capability", "<u4", (CAPABILITY_SLOTS,)),
        ("kind", "u1"),
    ]
)
# A key with one request in the tick: most rows, so they travel light.
ONE = np.dtype(
    [("key", "<u8"), ("input", "<u4"), ("output", "<u4"), ("kind", "u1"), ("capability", "u1")]
)
LOAD = np.dtype(
    [
        ("key", "<u8"),
        ("requests", "<i8"),
        ("squares", "<i8"),  # of each account's requests in the day
        ("accounts", "<u4"),
        ("kind", "u1"),
    ]
)
TEMPLATE_ROW = np.dtype(
    [
        ("template", "<u8"),
        ("account", "<u8"),
        ("org", "<u8"),
        ("time", "<i8"),
        ("output", "<i8"),
        ("requests", "<u4"),
        ("band", "u1"),
        ("young", "u1"),
    ]
)
