"""What a network partition keeps, field by field: values one account holds, values several share."""

from __future__ import annotations

import numpy as np

from detectors.interface.columns import CAPABILITY_SLOTS

SINGLE = np.dtype(
    [
        ("key", "<u8"),
        ("account", "<u8"),
        ("org", "<u8"),
        ("tick", "<i4"),
        ("kind", "u1"),
        ("young", "u1"),
    ],
    align=True,
)
SHARED = np.dtype(
    [
        ("key", "<u8"),
        ("template", "<u8"),  # representative of a template bucket
        ("born", "<i8"),  # when the second account came; tells a key from its earlier life
        ("first", "<i8"),
        ("last", "<i8"),
        ("hour_input", "<i8"),
        ("hour_output", "<i8"),
        ("day_input", "<i8"),
        ("day_output", "<i8"),
        ("past_input", "<i8"),  # of the last closed day
        ("past_output", "<i8"),
        ("load_requests", "<i8"),  # the last closed day's load over accounts
        ("load_squares", "<i8"),
        ("minute_tick", "<i8"),  # the tick that the minute figures are of
        ("load_accounts", "<u4"),
        ("hour_requests", "<u4"),
        ("day_requests", "<u4"),
        ("past_requests", "<u4"),
        ("minute_requests", "<u4"),
        ("minute_accounts", "<u4"),
        ("accounts", "<u4"),  # that ever announced the value in its life
        ("births", "<u4"),  # of those, while young
        ("capability", "<u4", (CAPABILITY_SLOTS,)),  # of the open day
        ("past_capability", "<u4", (CAPABILITY_SLOTS,)),
        ("member", "<i4"),  # head of the member list, newest first; -1 none
        ("members", "<u4"),
        ("name_at", "<i8"),
        ("name_len", "<u2"),
        ("kind", "u1"),
        ("ip_class", "u1"),
        ("hub", "u1"),
        ("flagged", "u1"),
        ("touched", "u1"),  # joined by a new account in the open tick
        ("used", "u1"),
    ],
    align=True,
)
MEMBER = np.dtype(
    [
        ("account", "<u8"),
        ("org", "<u8"),
        ("time", "<i8"),
        ("next", "<i4"),
        ("young", "u1"),
    ],
    align=True,
)
CANDIDATE = np.dtype(
    [
        ("template", "<u8"),
        ("account", "<u8"),
        ("org", "<u8"),
        ("tick", "<i4"),
        ("bucket", "<i4"),  # row of the shared key, -1 while one account alone sends it
        ("time", "<i8"),
        ("band", "u1"),
        ("young", "u1"),
    ],
    align=True,
)
