"""What the columns' places mean: slots of a window's counts, and a row as a kernel sees it.

Mixes (capability, model, language, gaps) saturate at 65,535: what is read of them is the proportion.
Distinct counts are bitmaps.
"""

from __future__ import annotations

from typing import Any

# A row inside a kernel: numba gives its fields as attributes, which numpy's types do not.
Row = Any

MODEL_SLOTS = 8  # models in order of first sight; the last slot is "any other"
MODELS_KNOWN = 64
TEMPLATE_GROUPS = 16  # templates by four of their bits: near-equal ones mostly fall together
LANGUAGE_SLOTS = 4  # languages by hash: the mix is read as evenness, never by name
GAP_BINS = 8  # inter-arrival times: under 1, 4, 16, 64, 256, 1024, 4096 seconds, longer
CAPABILITY_SLOTS = 10
DISTINCT_WORDS = 9
# Words of `distinct`: prefix, ASN and device in one 64-bit bitmap each (reads up to about 260);
# sessions, templates and exact prompts in two-level bitmaps (reads up to about 4,000).
PREFIXES, ASNS, DEVICES, SESSIONS, TEMPLATES, PROMPTS = 0, 1, 2, 3, 5, 7
