"""Arguments that the judging scripts share: how large the worlds are."""

from __future__ import annotations

import argparse
from typing import Any

SIZES = ("scale", "accounts", "days")


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """Let a preset be changed in size."""
    parser.add_argument("--scale", type=_positive, help="so many times the accounts of all kinds")
    parser.add_argument("--accounts", type=_whole, help="so many ordinary accounts")
    parser.add_argument("--days", type=_positive, help="so many days")


def sizes(given: argparse.Namespace) -> dict[str, Any]:
    """The sizes that were given."""
    return {name: getattr(given, name) for name in SIZES if getattr(given, name) is not None}


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value
