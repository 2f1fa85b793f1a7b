"""Sizes of tables."""

from __future__ import annotations


def power_of_two(least: int) -> int:
    """The smallest power of two that is at least `least`."""
    return 1 << max(least - 1, 1).bit_length()
