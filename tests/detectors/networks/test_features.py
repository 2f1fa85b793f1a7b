"""What detectors of shared values may read of a day: as a plain reading of its events has it."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.accounts.partition import AccountPartition
from detectors.interface.detector import Card
from detectors.judging.features import Closed, resolved
from detectors.judging.host import Closing, Run, Tick
from detectors.networks.partition import NetworkPartition
from tests.stage_stories import DAY, START, config, feed, request

READS = (
    "day_requests",
    "day_input_tokens",
    "day_output_tokens",
    "day_output_input_ratio",
    "day_capability_entropy",
    "day_load_evenness",
    "day_accounts",
)
CARD = Card("all_of_a_day", 1, "key", None, "day", READS, 0, 0, ())


def test_a_day_of_a_card_reads_as_its_events_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    partition, keys = AccountPartition(config(), 0), NetworkPartition(config(), 0)
    seen: dict[str, float] = {}

    def close(closed: Closed, at: Tick) -> list[tuple[Run, Closing]]:
        if at.span == "day" and not seen:
            (place,) = np.flatnonzero(closed.facts["kind"] == 0)
            seen.update({f.name: float(f.of(closed)[place]) for f in resolved(CARD)})
        return []

    monkeypatch.setattr(keys.host, "close", close)
    monkeypatch.setattr(keys, "_spans", frozenset({"day"}))
    load = {"a": 30, "b": 10, "c": 10}
    events = [
        request(
            0, START + n * 600_000 + 1_000 * place, account, event_id=f"{account}-{n}",
            payment_fp="k1:card", capability=("coding", "math")[n % 2],
        )
        for place, (account, count) in enumerate(load.items())
        for n in range(count)
    ]  # fmt: skip
    events.sort(key=lambda e: e["event_time"])
    later = [request(n, START + DAY + (60 + n) * 60_000, f"z{n}") for n in range(30)]
    for tick in feed(partition, [*events, *later]):
        for hand_over in tick.hand_overs.values():
            keys.receive(hand_over)
    keys.advance()
    total = sum(load.values())
    # What one account alone had sent before the value was shared is that account's own.
    assert total - 2 <= seen["day_requests"] <= total
    assert seen["day_input_tokens"] == 10 * seen["day_requests"]
    assert seen["day_output_input_ratio"] == 2.0
    assert seen["day_capability_entropy"] == pytest.approx(np.log(2), abs=0.01)
    assert seen["day_load_evenness"] == pytest.approx(
        total**2 / (3 * sum(n * n for n in load.values()))
    )
    assert seen["day_accounts"] == 3
