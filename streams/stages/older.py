"""Records between stages that a version before wrote: passed over, and said once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import structlog

from detectors.errors import OlderFormatError

log = structlog.get_logger()

T = TypeVar("T")


class Readable:
    """Reads one topic's records for one stage.

    Whoever starts this version has begun anew (state of the version before is refused), so that all
    ticks are told again, by records of this version behind those of the other.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self._where = {"topic": topic, "partition": partition}
        self._told = False

    def of(self, values: Iterable[bytes | None], decode: Callable[[bytes], T]) -> Iterator[T]:
        """The records that this version can read. Raises ContractError for bytes that nobody wrote."""
        for value in values:
            if value is None:
                continue
            try:
                yield decode(value)
            except OlderFormatError as error:
                self._tell(error)

    def _tell(self, error: OlderFormatError) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "records of a version before are passed over", reason=str(error), **self._where
            )
