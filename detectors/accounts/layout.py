"""What an account partition keeps, field by field: windows, open minutes, accounts.

Rows are structured arrays (one row is a few neighbouring cache lines, one field is a strided
column), allocated once at their budget. Sums are integers, money is in micro-units, and distinct
counts are bitmaps, so that what one event adds commutes with what another adds.
"""

from __future__ import annotations

import numpy as np

from detectors.interface.columns import (
    CAPABILITY_SLOTS,
    MANNERS,
    TEMPLATE_GROUPS,
)
from detectors.interface.key_kinds import ACCOUNT_KINDS

MODEL_NAME_BYTES = 64  # what is longer is cut

_WINDOW_FIELDS = [
    ("input", "<i8"),
    ("output", "<i8"),
    ("cost", "<i8"),  # micro-units of currency
    ("model", "<u8"),  # that one request asked, drawn from all
    ("requests", "<u4"),
    ("drawn", "<u4"),  # that request's lot, the highest
    ("capability", "<u2", (CAPABILITY_SLOTS,)),
    ("templates", "<u2", (TEMPLATE_GROUPS,)),
    ("account", "<i4"),  # row of the account
]

# Tumbling windows of an hour and a day: the same columns, so a window closes into the next.
WINDOW = np.dtype(_WINDOW_FIELDS, align=True)

# An account's open minute, split where its keys change within the minute, so that every request
# counts for the keys that it came with.
MINUTE = np.dtype(
    [
        ("tick", "<i8"),
        ("keyset", "<u8"),
        ("keys", "<u8", (ACCOUNT_KINDS,)),
        ("chain", "<i4"),  # next row in the hash bucket
        ("sibling", "<i4"),  # next row of the same tick
        *_WINDOW_FIELDS,
    ],
    align=True,
)

# A model that accounts ask, and a day of all of them on it.
MODEL = np.dtype(
    [
        ("fp", "<u8"),
        ("used", "<i8"),  # last tick
        ("name_len", "<i4"),
        ("name", "u1", (MODEL_NAME_BYTES,)),
    ],
    align=True,
)
MODEL_DAY = np.dtype(
    [
        ("day", "<i8"),  # since the epoch, 0: none
        ("input", "<i8"),
        ("output", "<i8"),
        ("requests", "<i8"),
        ("capability", "<i8", (CAPABILITY_SLOTS,)),
        ("templates", "<i8", (TEMPLATE_GROUPS,)),
    ],
    align=True,
)

ACCOUNT = np.dtype(
    [
        ("fp", "<u8"),
        ("org", "<u8"),
        ("created", "<i8"),  # ms since epoch, -1 not known
        ("first", "<i8"),
        ("last", "<i8"),
        ("keys", "<u8", (ACCOUNT_KINDS,)),  # latest value of each kind
        ("hour_row", "<i4"),
        ("open_minutes", "<i4"),
        ("last_hour", "<i4"),  # hour index that `ring` was last moved to
        ("id_at", "<u4"),
        ("ring", "<u2", (24,)),  # requests of each of the last 24 hours, saturating
        ("days", "<u2"),  # active days that were whole
        ("period", "<u2"),  # expiry period in which `keys` were announced
        ("id_len", "<u2"),
        ("cohort", "u1"),
        ("used", "u1"),  # 0, HERE or ELSEWHERE
    ],
    align=True,
)

# How requests are made, in counts; of client and country the greatest seen, so that order does not matter.
STYLE = np.dtype(
    [
        ("client", "<u8"),
        ("cot", "<u4"),  # sums of scores, in hundredths
        ("grading", "<u4"),
        *((name, "<u4") for name in MANNERS),
        ("country", "<u2"),
    ],
    align=True,
)
HABIT = np.dtype(
    [
        ("cot", "<u4"),
        ("grading", "<u4"),
        *((name, "<u4") for name in MANNERS),
        ("minutes", "<u4"),  # in which it was active
        ("unworded", "<u4"),  # prompts that resemble none of its wordings
        ("values", "<u4"),  # rows of `held` that it has
        ("wording", "<i4"),  # row + 1 of its first wording, 0 none
    ],
    align=True,
)

# What an account used in the open hour: a value of a kind, and how often.
HELD_VALUE = np.dtype(
    [
        ("key", "<u8"),
        ("account", "<i4"),
        ("requests", "<u4"),
        ("kind", "u1"),
    ],
    align=True,
)

# A wording that an account's prompts share: the bitwise majority of the SimHashes it was sent, by votes.
WORDING = np.dtype(
    [
        ("word", "<u8"),
        ("votes", "i1", (64,)),  # for a bit less against it
        ("hour", "<i4"),  # hour in which it was last sent
        ("sent", "<u4"),  # in the open hour
        ("count", "<u2"),  # ever, halved every two days
        ("spread", "<u2"),  # mean distance of what was sent from the word, in 1/256 bits
        ("next", "<i4"),  # row + 1 of the account's next, 0 none
    ],
    align=True,
)

HERE, ELSEWHERE = 1, 2  # whether Kafka's default partitioner sends an account to this partition

# An empty row of each, in an array: numba copies from that as it lies, a single row it builds by bytes.
NO_WINDOW = np.zeros(1, WINDOW)
NO_MINUTE = np.zeros(1, MINUTE)
NO_MODEL_DAY = np.zeros(1, MODEL_DAY)
NO_ACCOUNT = np.zeros(1, ACCOUNT)
