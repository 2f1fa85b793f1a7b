"""Workers that are killed, restarted, frozen and cut off from their broker say what a replay says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.brokers import KAFKA, chosen
from tests.places import ROOT

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]
CHAOS = ROOT / "benchmarks" / "chaos.py"
KILLS = 3


@pytest.mark.parametrize("workers", [1, 2])
def test_alerts_of_a_disturbed_run_are_those_of_a_replay(workers: int, short: bool) -> None:
    if short and workers == 1:
        pytest.skip("--short: two workers only")
    given = {
        "broker": chosen(),
        "runs": 1,
        "kills": KILLS,
        "workers": workers,
        "days": 1,
        "accounts": 300,
        "seed": 40 + workers,
    }
    flags = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    ran = subprocess.run(
        [sys.executable, str(CHAOS), "--json", *flags], capture_output=True, text=True, check=False
    )
    assert ran.stdout, ran.stderr[-2000:]
    outcome = json.loads(ran.stdout)
    assert outcome["equal"], ran.stdout
    assert outcome["found"] == outcome["expected"] > 50
    done = outcome["done"]
    assert done["kill -9"] == KILLS
    assert done["rolling restart"] == 1
    assert done.get("freeze", 0) == (workers > 1)
    assert done.get("broker restart", 0) == (chosen() == KAFKA)
    assert ran.returncode == 0
