"""What the columns' places mean: slots of a window's counts, and a row as a kernel sees it.

Mixes (capability, templates) saturate at 65,535: what is read of them is the proportion.
"""

from __future__ import annotations

from typing import Any

# A row inside a kernel: numba gives its fields as attributes, which numpy's types do not.
Row = Any

MODELS_KNOWN = 64
TEMPLATE_GROUPS = 16  # templates by four of their bits: near-equal ones mostly fall together
CAPABILITY_SLOTS = 10

# What is counted of how requests are made: those that go on a conversation, use tools, stream, failed, came
# from the web or from a hosting, VPN or Tor address, are deterministic, have scores of a classifier.
MANNERS = ("turns", "tools", "streams", "errors", "web", "hosted", "cold", "scored")
