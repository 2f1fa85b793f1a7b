"""The families of evidence: signals of one family are one raw signal to fusion."""

from __future__ import annotations

from typing import Literal

Family = Literal[
    "volume",
    "drift",
    "timing",
    "content",
    "capability",
    "identity",
    "infrastructure",
    "lifecycle",
    "indicator",
]
