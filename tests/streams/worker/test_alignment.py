"""A partition is idle where nothing is to come of it, and not while a transaction may still say something."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from detectors.config import load_config
from streams.bulk.transactions import LONGEST_S, Undecided
from streams.settings.settings import Settings
from streams.worker.alignment import Alignment

PART = TP("requests", 0)
MARK = 1_777_000_000_000


def idle(undecided: Undecided, unread: bool = False) -> bool:
    transport: Any = SimpleNamespace(
        answer_age_s=lambda _: 0.0,
        unread=lambda _tp, _offset: unread,
        undecided=lambda _: undecided,
    )
    stage: Any = SimpleNamespace(
        last_record=time.monotonic() - 60,
        accounts=SimpleNamespace(watermark=MARK - 1),
        shut_out=False,
        next_offset=7,
    )
    nobody: Any = {}
    loaded = load_config("[engine]\npartitions = 1\n")
    alignment = Alignment(Settings(idle_s=10), loaded, transport, nobody, nobody, nobody)
    return alignment._idle(PART, stage, MARK)


@pytest.mark.parametrize(
    ("undecided", "marked"),
    [
        (Undecided(0, 0.0), True),
        (Undecided(3, 0.0), False),
        (Undecided(3, LONGEST_S - 1), False),
        (Undecided(3, LONGEST_S + 1), True),  # it hangs: the others wait no longer
    ],
)
def test_a_partition_with_an_open_transaction_is_idle_when_it_hangs(
    undecided: Undecided, marked: bool
) -> None:
    assert idle(undecided) is marked


def test_a_partition_with_something_unread_is_never_idle() -> None:
    assert not idle(Undecided(0, 0.0), unread=True)
