"""Which detectors may run: each refusal says which detector it is about, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import pytest

from detectors.config import load_config
from detectors.errors import ConfigError
from detectors.interface.detector import Card, Described
from detectors.interface.tunable import tunable
from detectors.judging.admission import admitted
from detectors.registry import BUILT_IN
from tests.small_detectors import Busy, BusyColumns


def with_card(kind: type[Any] = Busy, **changed: Any) -> Described:
    """A detector like that of a class, with another card."""

    class Changed(kind):  # type: ignore[misc]
        card: ClassVar[Card] = msgspec.structs.replace(kind.card, **changed)

    found: Described = Changed()
    return found


@dataclass
class Loose:
    """Not frozen."""

    card: ClassVar[Card] = Busy.card
    fresh = Busy.fresh
    observe = Busy.observe
    dump = Busy.dump
    restore = Busy.restore


@dataclass(frozen=True)
class Undeclared(Busy):
    """Has a field without a reason."""

    most: float = 9.0


@dataclass(frozen=True)
class Formless:
    """Neither observes nor works on columns."""

    least: float = tunable(1.0, "of nothing", low=0, high=2)
    card: ClassVar[Card] = Busy.card


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        (with_card(name="Busy"), "its name must be like 'volume' or 'volume.own_past'"),
        (with_card(name="a.b.c"), "its name must be like"),
        (with_card(name="memory:x"), "its name must be like"),
        (with_card(name="volume.own_past"), r"'volume.own_past' is taken by detector"),
        (with_card(name="volume.other"), r"'volume' is taken by detector 'volume.own_past'"),
        (with_card(name="births"), "'births' is taken by detector"),
        (with_card(name="fusion"), r"\[fusion\] is another section"),
        (with_card(name="alerts.mine"), r"\[alerts\] is another section"),
        (Loose(), "it must be a frozen dataclass"),
        (Undeclared(), "declare its field 'most' with `tunable` or `switch`"),
        (Formless(), "it has neither `observe` nor `observe_columns`"),
        (with_card(BusyColumns, entity="campaign", reads=("size",)), "needs `observe`"),
        (with_card(active=0), "its card's `active` is 0: entities remembered, 1 to 10000"),
        (with_card(active=10_001), "its card's `active` is 10001"),
        (with_card(max_bytes=-1), "its card's `max_bytes` is -1; it may be 0 to 65536"),
        (with_card(max_bytes=1 << 17), "its card's `max_bytes` is 131072"),
        (with_card(reads=("hour_request",)), "'hour_request'.*did you mean 'hour_requests'"),
        (with_card(reads=("size",)), "'size', which no window of a account has"),
    ],
)
def test_who_may_not_run_is_refused_by_name_with_the_reason(
    detector: Described, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        admitted((*BUILT_IN, detector))
    assert f"{detector.card.name}" in str(refused.value)


def test_who_may_run_is_taken_in_order() -> None:
    mine = (*BUILT_IN, Busy(), BusyColumns())
    assert admitted(mine) == mine


def test_a_plug_in_has_a_section_a_place_in_the_digest_and_is_refused_at_load() -> None:
    plain, mine = load_config(), load_config("[busy]\nleast = 20\n", plugins=(Busy(),))
    assert mine.config.of(Busy).least == 20.0
    assert mine.origins["busy.least"] == "detectors.toml"
    assert plain.digest != load_config(plugins=(Busy(),)).digest != mine.digest
    with pytest.raises(ConfigError, match=r"'busy.least' is -1; it takes a number from 0"):
        load_config("[busy]\nleast = -1\n", plugins=(Busy(),))
    with pytest.raises(ConfigError, match="did you mean 'hour_requests'"):
        load_config(plugins=(with_card(reads=("hours_requests",)),))
