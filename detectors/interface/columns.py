"""The columns: what a window, an account, a key network and a hand-over keep, field by field.

Rows are structured arrays (one row is a few neighbouring cache lines, one field is a strided
column), allocated once at their budget. Sums are integers, money is in micro-units, and distinct
counts are bitmaps, so that what one event adds commutes with what another adds. Mixes (capability,
model, language, gaps) saturate at 65,535: what is read of them is the proportion.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.interface.key_kinds import ACCOUNT_KINDS

# A row inside a kernel: numba gives its fields as attributes, which numpy's types do not.
Row = Any

MODEL_SLOTS = 8  # models in order of first sight; the last slot is "any other"
MODELS_KNOWN = 64  # of which one is the newest
LANGUAGE_SLOTS = 4  # languages by hash: the mix is read as evenness, never by name
GAP_BINS = 8  # inter-arrival times: under 1, 4, 16, 64, 256, 1024, 4096 seconds, longer
CAPABILITY_SLOTS = 10
DISTINCT_WORDS = 9
# Words of `distinct`: prefix, ASN and device in one 64-bit bitmap each (reads up to about 260);
# sessions, templates and exact prompts in two-level bitmaps (reads up to about 4,000).
PREFIXES, ASNS, DEVICES, SESSIONS, TEMPLATES, PROMPTS = 0, 1, 2, 3, 5, 7

_WINDOW_FIELDS = [
    ("input", "<i8"),
    ("output", "<i8"),
    ("reasoning", "<i8"),
    ("cost", "<i8"),  # micro-units of currency
    ("first", "<i8"),  # ms since epoch
    ("last", "<i8"),
    ("gap_sum", "<i8"),  # ms between successive events
    ("gap_squares", "<i8"),  # squared seconds
    ("distinct", "<u8", (DISTINCT_WORDS,)),
    ("requests", "<u4"),
    ("errors", "<u4"),
    ("throttled", "<u4"),  # answered 429
    ("newest", "<u4"),  # requests to the model that appeared last
    ("capability", "<u2", (CAPABILITY_SLOTS,)),
    ("model", "<u2", (MODEL_SLOTS,)),
    ("language", "<u2", (LANGUAGE_SLOTS,)),
    ("gaps", "<u2", (GAP_BINS,)),
    ("active", "<u4"),  # bit h: active in hour h of the UTC day
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
        ("seconds", "<u8"),  # bit s: an event in second s of the minute
        ("chain", "<i4"),  # next row in the hash bucket
        ("sibling", "<i4"),  # next row of the same tick
        *_WINDOW_FIELDS,
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
        ("closed_last", "<i8"),  # last event of the closed ticks, 0 none
        ("keys", "<u8", (ACCOUNT_KINDS,)),  # latest value of each kind
        ("requests", "<i8"),  # lifetime totals, late events included
        ("input", "<i8"),
        ("output", "<i8"),
        ("cost", "<i8"),
        ("mean", "<f4"),  # of ln(1 + requests a day), over active days
        ("variance", "<f4"),
        ("hour_row", "<i4"),
        ("day_row", "<i4"),
        ("open_minutes", "<i4"),
        ("last_hour", "<i4"),  # hour index that `ring` was last moved to
        ("late", "<u4"),
        ("id_at", "<u4"),
        ("ring", "<u2", (24,)),  # requests of each of the last 24 hours, saturating
        # The hour of the week, factored: at 25 requests a day one of 168 cells would see an event
        # once in weeks. Mean ln(1 + requests) when active, in 1/20: hours of working days, then of
        # weekends; and each weekday's level.
        ("hour_profile", "u1", (48,)),
        ("weekday_profile", "u1", (7,)),
        ("days", "<u2"),  # active days learned
        ("period", "<u2"),  # expiry period in which `keys` were announced
        ("id_len", "<u2"),
        ("cohort", "u1"),
        ("used", "u1"),
    ],
    align=True,
)

# --- what crosses from accounts to keys, per (source, target, tick) ---

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

# --- what the key stage keeps ---

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
        ("past_output", "<i8"),  # of the last closed day
        ("load_requests", "<i8"),  # the last closed day's load over accounts
        ("load_squares", "<i8"),
        ("minute_tick", "<i8"),  # the tick that the minute figures are of
        ("peak_start", "<i8"),  # window of the strongest evidence so far, ms
        ("peak_end", "<i8"),
        ("peak_surprise", "<f8"),
        ("peak_observed", "<f8"),
        ("peak_expected", "<f8"),
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
