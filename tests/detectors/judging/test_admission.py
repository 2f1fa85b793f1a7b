"""Which detectors may run: each refusal says which detector it is about, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from detectors.config import load_config
from detectors.errors import ConfigError
from detectors.interface.detector import Card, Described
from detectors.interface.tunable import tunable
from detectors.judging.admission import admitted
from detectors.registry import BUILT_IN
from detectors.volume import AccountVolume
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


@dataclass(frozen=True)
class NoCard:
    """Has something else for a card."""

    card: ClassVar[Any] = {"name": "busy"}


class CardRaises:
    """Cannot be asked for its card."""

    @property
    def card(self) -> Card:
        raise KeyError("no")


@dataclass(frozen=True)
class Worded(Busy):
    """Has a threshold that is no number."""

    least: Any = field(default="10", metadata={"why": "a word", "low": 0, "high": 20})


@dataclass(frozen=True)
class Contrary(Busy):
    """Compares thresholds that there are not."""

    IN_ORDER: ClassVar[Any] = (("least", "most"),)


def remembering(made: Any) -> Described:
    """A detector in columns with another memory."""

    class Remembers(BusyColumns):
        @property
        def memory(self) -> Any:
            return made()

    return Remembers()


class Faded(AccountVolume):
    """Compares with cohorts that never fade."""

    card: ClassVar[Card] = msgspec.structs.replace(Busy.card, name="faded")  # type: ignore[misc]
    cohort_fade: ClassVar[Any] = None  # type: ignore[misc]


class Both(Busy):
    """Of models, in both forms, and with no place for any."""

    card: ClassVar[Card] = msgspec.structs.replace(
        Busy.card, entity="model", window="day", reads=("day_requests",), active=0
    )
    memory = BusyColumns.memory
    observe_columns = BusyColumns.observe_columns
    evidence = BusyColumns.evidence
    again = BusyColumns.again


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        (NoCard(), "NoCard .*: its card is no Card"),
        (CardRaises(), r"CardRaises .*: it cannot be asked what it is: KeyError\('no'\)"),
        (with_card(name=5), "Expected `str`, got `int`.*name"),
        (with_card(entity="galaxy"), "Invalid enum value 'galaxy'.*entity"),
        (with_card(window="week"), "Invalid enum value 'week'.*window"),
        (with_card(family="foo"), "Invalid enum value 'foo'.*family"),
        (with_card(reads=(5,)), "Expected `str`, got `int`.*reads"),
        (with_card(reads="hour_requests"), "Expected `array`, got `str`.*reads"),
        (with_card(reads=["hour_requests"]), r"its card's `reads` is \['hour_requests'\]; write"),
        (with_card(max_bytes="64"), "Expected `int`, got `str`.*max_bytes"),
        (with_card(max_bytes=64.5), "Expected `int`, got `float`.*max_bytes"),
        (with_card(max_bytes=64.0), "Expected `int`, got `float`.*max_bytes"),
        (with_card(active=8.5), "Expected `int`, got `float`.*active"),
        (with_card(active=True), "Expected `int`, got `bool`.*active"),
        (with_card(least=None), "Expected `int`, got `null`.*least"),
        (with_card(least=-1), "its card's `least` is -1"),
        (with_card(version="1 2"), "Expected `int`, got `str`.*version"),
        (with_card(version=-1), "its card's `version` is -1; it may be 1 to"),
        (with_card(version=10**400), "its card's `version` is 1000"),
        (with_card(memory_version="2:3"), "Expected `int`, got `str`.*memory_version"),
        (with_card(references=5), "Expected `array`, got `int`.*references"),
        (with_card(name="b" * 65), "its name has more than 64 letters"),
        (Worded(), "its field 'least' is '10', no number from 0 to 20"),
        (Contrary(), "it cannot be asked what it is.*'most'"),
        (remembering(lambda: np.dtype([("a", object)])), "no objects"),
        (remembering(lambda: np.dtype(("f8", (3,)))), "no arrays of rows"),
        (remembering(lambda: np.dtype((np.void, 65))), "takes 65 bytes"),
        (remembering(lambda: "f8"), "its `memory` is 'f8', no numpy.dtype"),
        (
            remembering(lambda: np.dtype({"names": ["a", "b"], "formats": ["f8", "f8"],
                                          "offsets": [8, 0]})),
            "it cannot be asked what it is",
        ),
        (remembering(lambda: 1 / 0), "it cannot be asked what it is: ZeroDivisionError"),
        (Faded(), "its `cohort_fade` is None, no number from 0 to 1"),
        (Both(), "its card's `active` is 0: entities remembered, 1 to 10000"),
        (with_card(BusyColumns, active=10_001), "its card's `active` is 10001"),
    ],
)  # fmt: skip
def test_what_would_stop_a_stage_is_refused_by_name(detector: Described, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        load_config(plugins=(detector,))
    assert type(detector).__module__ in str(refused.value)


@dataclass(frozen=True)
class Wilful(Busy):
    """Has a word of its own on its thresholds, and a card that follows from them."""

    @property
    def card(self) -> Card:
        return msgspec.structs.replace(Busy.card, name="wilful", active=int(self.least))

    def __post_init__(self) -> None:
        if self.least == 13.0:
            raise ValueError("not thirteen")


def test_what_a_file_makes_of_a_plug_in_is_refused_too() -> None:
    assert load_config("[wilful]\nleast = 12\n", plugins=(Wilful(),)).config.of(Wilful).least == 12
    with pytest.raises(ConfigError, match=r"detectors.toml: \[wilful\] is refused: not thirteen"):
        load_config("[wilful]\nleast = 13\n", plugins=(Wilful(),))
    with pytest.raises(ConfigError, match=r"detector 'wilful'.*`active` is 10001"):
        load_config("[wilful]\nleast = 10001\n", plugins=(Wilful(),))


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
