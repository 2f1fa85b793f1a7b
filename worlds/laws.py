"""How long requests and answers are: shapes of token counts, fitted to public traces.

Each row holds the quantiles (at equal steps of probability, the ends at 0.2 and 99.8 %) of the log
of a trace's token counts, less their median, over their standard deviation. The medians and
spreads beside them are in natural logs.

- conversation: the Azure LLM inference trace 2023, conversations (19,366 requests; Azure public
  dataset at b469a11, CC-BY 4.0; Patel et al., Splitwise, ISCA 2024).
- context: the first half of Mooncake's conversation trace (5,606 requests; kvcache-ai/Mooncake at
  3b5a594, Apache-2.0): long prompts with files and tools in them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from worlds.kernel import NORMAL


class Law(NamedTuple):
    """A fitted law: its row in `SHAPES`, the median count and the spread of the log."""

    shape: int
    median: float
    spread: float


_FITTED = (
    (-4.695, -1.685, -1.49, -0.994, -0.96, -0.938, -0.882, -0.055, 0.0,
     0.031, 0.061, 0.095, 0.156, 0.273, 0.829, 1.407, 1.738),
    (-2.765, -1.226, -0.891, -0.631, -0.486, -0.394, -0.308, -0.185, 0.0,
     0.229, 0.482, 1.248, 1.303, 1.323, 1.363, 1.428, 2.283),
    (-1.767, -1.755, -1.59, -1.286, -0.916, -0.541, -0.338, -0.169, 0.0,
     0.154, 0.304, 0.459, 0.624, 0.789, 1.014, 1.312, 2.257),
    (-4.237, -2.445, -1.761, -1.051, -0.628, -0.331, -0.178, -0.074, 0.0,
     0.058, 0.107, 0.163, 0.211, 0.275, 0.346, 0.455, 1.245),
)  # fmt: skip

PLAIN = 0  # log-normal
CONVERSATION_IN = Law(1, 1020.0, 0.985)
CONVERSATION_OUT = Law(2, 129.0, 0.859)
CONTEXT_IN = Law(3, 7650.0, 1.216)
CONTEXT_OUT = Law(4, 356.0, 1.386)

SHAPES = np.stack([NORMAL[:: (len(NORMAL) - 1) // 16], *(np.array(row) for row in _FITTED)])
