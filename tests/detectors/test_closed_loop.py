"""A trial closes the loop: an attacker that adapts hears what the contender says, and reacts."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.judging.contenders import HYDRAWATCH
from benchmarks.judging.trial import Trial, run

SEED = 12
WORLD = """
days = 7
accounts = 300
seats = 0
[[piece]]
kind = "adaptive"
accounts = 150
starts = 0.1
stock = 1.0
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("adaptive") / "world.toml"
    path.write_text(WORLD)
    return str(path)


@pytest.fixture(scope="module")
def undisturbed(world: str) -> dict[str, Any]:
    return campaign(world, "never")


def campaign(world: str, *contenders: str) -> dict[str, Any]:
    """What became of the campaign beside the first contender."""
    found: dict[str, Any] = run(Trial(world, SEED, contenders))[0]["score"]["campaigns"][0]
    return found


def test_a_network_that_is_throttled_sends_less_from_then_on(
    world: str, undisturbed: dict[str, Any]
) -> None:
    throttled = campaign(world, "rate limit@0")  # throttles whoever has a busy day
    assert throttled["named"] > 120
    assert throttled["before_named"] < 0.3
    # each named account halves its rate, and most are named within a day
    assert 0.4 < throttled["requests"] / undisturbed["requests"] < 0.7


def test_the_network_hears_hydrawatch_as_well(world: str, undisturbed: dict[str, Any]) -> None:
    acted_on = campaign(world, HYDRAWATCH)
    assert acted_on["named"] > 0
    assert acted_on["requests"] < undisturbed["requests"]


def test_contenders_that_share_a_pass_are_not_told_on(
    world: str, undisturbed: dict[str, Any]
) -> None:
    together = campaign(world, "rate limit@0", "never")
    assert together["named"] > 120
    assert together["requests"] == undisturbed["requests"]
