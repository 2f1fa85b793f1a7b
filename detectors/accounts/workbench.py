"""Scratch for closing ticks: one set per process, lent to each account partition in turn.

It holds nothing between two ticks, so partitions of one worker share it; a set for each would cost
as much memory as tens of thousands of accounts.
"""

from __future__ import annotations

from detectors.accounts.close_minute import KeySums, key_sums
from detectors.accounts.outbox import Outbox, outbox
from detectors.interface.key_kinds import ACCOUNT_KINDS


class Workbench:
    """Key sums and a outbox that grow to the largest tick seen and never shrink."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._sizes = (0, 0, 0, 0)
        self.scratch: KeySums = key_sums(0)
        self.outbox: Outbox = outbox(partitions, 0, 0, 0, 0, 0)
        self.enlarge(0, 0, 0, 0)

    def enlarge(self, minutes: int, edges: int, names: int, prompts: int) -> None:
        """Make room for a tick of so many minutes and all that is pending, and half as much again."""
        least = (64, 64, 4096, 64)
        wanted = zip((minutes, edges, names, prompts), self._sizes, least, strict=True)
        rows, edges, names, prompts = (
            size if size >= need and size else max(need * 3 // 2, low) for need, size, low in wanted
        )
        self._sizes = (rows, edges, names, prompts)
        self.scratch = key_sums(rows * ACCOUNT_KINDS)
        self.outbox = outbox(self._partitions, rows * ACCOUNT_KINDS, edges, names, prompts, rows)
