"""An intake that is killed while a gateway retries: a little of benchmarks/intake_kills.py."""

from __future__ import annotations

import argparse

import pytest

from benchmarks.intake_kills import run


@pytest.mark.kafka
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("way", ["http", "topic"])
def test_each_record_is_there_under_one_id_and_counted_once_however_often_the_intake_is_killed(
    way: str, short: bool
) -> None:
    outcome = run(
        argparse.Namespace(
            kills=2 if short else 5,
            records=4_000,
            accounts=200,
            way=way,
            broker="kafka",
            seed=1,
        )
    )
    assert outcome.good, outcome.line()
