"""What a detector raised for: those entities go without its word, and all else goes on.

A detector that raises must not stop the stream: the worker would read the same input again, and stop
again. So each judgement stands alone. Nothing is learned and nothing is said by one that raises; its
entity's windows go on, and so does every other detector. The next judgement of that entity is tried
anew, so that who is aside follows from the input alone, whoever reads it and however often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple, ParamSpec, TypeVar

from detectors.errors import panicked
from detectors.exchange.findings import AccountFinding
from detectors.interface.clock import DAY_TICKS
from detectors.interface.detector import Card, Entity, Evidence

P = ParamSpec("P")
T = TypeVar("T")

REMEMBERED = 1_000  # entities; who raises more than that is counted all the same
WHOLE = 10  # from so many judgements on, a tick in which all raise says that the detector is broken
LASTS_TICKS = DAY_TICKS  # an entity is aside for a day of event time after the last time


class Fault(NamedTuple):
    """The newest judgement that raised: in which tick, and the class of what it raised.

    Never the message: it may quote what came in.
    """

    tick: int
    error: str


class Isolation:
    """One detector's failures in one stage, for whoever watches: no decision reads them."""

    def __init__(self, entity: Entity = "account") -> None:
        self.entity = entity  # of what kind those are that it raised for
        self.times = 0  # judgements that raised
        self.everywhere = 0  # ticks in which all judgements raised, and they were `WHOLE` or more
        self.whole = False  # whether the last tick of `WHOLE` judgements or more was such a one
        self.newest: Fault | None = None
        self._last: dict[int, int] = {}  # entity -> tick of its last failure, the newest last

    def attempt(
        self, tick: int, entity: int, judge: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """What `judge` says; None where it raises.

        `entity` is the number by which the stage tells its entities apart. A judge must change nothing
        before it can no longer raise.
        """
        try:
            return judge(*args, **kwargs)
        except BaseException as error:
            if not of_the_detector(error):
                raise
            self.raised(tick, (entity,), type(error).__name__)
            return None

    def raised(self, tick: int, entities: Iterable[int], error: str, unnamed: int = 0) -> None:
        """Note judgements that raised, those of `unnamed` entities more."""
        self.times += unnamed
        for entity in entities:
            self.times += 1
            self._last.pop(entity, None)
            self._last[entity] = tick
        while len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
        self.newest = Fault(tick, error)

    def judged(self, count: int, before: int) -> None:
        """A tick tried so many judgements, and `times` was `before`: did all raise?"""
        if count >= WHOLE:
            self.whole = self.times - before >= count
            self.everywhere += self.whole

    def entities(self, tick: int) -> int:
        """Entities that are aside after a tick was closed, up to `REMEMBERED`."""
        while self._last:
            oldest = next(iter(self._last))
            if self._last[oldest] > tick - LASTS_TICKS:
                break
            del self._last[oldest]
        return len(self._last)

    def erase(self, entities: Iterable[int]) -> None:
        """Remember entities no longer."""
        for entity in entities:
            self._last.pop(entity, None)


class Isolations:
    """The failures of several detectors where their findings are compared, by detector."""

    def __init__(self, cards: Iterable[Card]) -> None:
        self._by_tag = {card.tag: card.name for card in cards}
        self.by_detector = {name: Isolation() for name in self._by_tag.values()}

    def judge(
        self,
        tick: int,
        findings: Iterable[AccountFinding],
        judge: Callable[[AccountFinding], Evidence | None],
    ) -> list[tuple[AccountFinding, Evidence]]:
        """The findings with the evidence that `judge` leaves of each; who raises goes without."""
        judged, counts = [], Counter[str]()
        before = {name: one.times for name, one in self.by_detector.items()}
        for finding in findings:
            name = self._by_tag.get(finding.evidence.detector)
            if name is None:
                continue  # of a detector that this worker does not know
            counts[name] += 1
            evidence = self.by_detector[name].attempt(tick, finding.account, judge, finding)
            if evidence is not None:
                judged.append((finding, evidence))
        for name, count in counts.items():
            self.by_detector[name].judged(count, before[name])
        return judged

    def erase(self, entities: Iterable[int]) -> None:
        """Remember entities no longer."""
        for one in self.by_detector.values():
            one.erase(entities)


def of_the_detector(error: BaseException) -> bool:
    """Whether it says something of a detector and its entity, and nothing of this process."""
    return (isinstance(error, Exception) and not isinstance(error, MemoryError)) or panicked(error)


def error_of(judge: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> str:
    """The class of what a judgement raises, done once more: compiled code does not tell."""
    try:
        judge(*args, **kwargs)
    except BaseException as error:
        if not of_the_detector(error):
            raise
        return type(error).__name__
    return "Exception"
