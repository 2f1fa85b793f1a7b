"""Records between stages: those that a version before wrote are passed over, what nobody wrote is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import structlog

from detectors.errors import ContractError, OlderFormatError, StateError
from streams.bulk.chunks import Chunk

log = structlog.get_logger()


class Sourced(Protocol):
    """What says who wrote it."""

    @property
    def source(self) -> int:
        """The number of the partition that it is of."""
        ...


T = TypeVar("T", bound=Sourced)


class Readable:
    """Reads one topic's records for one stage that hears `sources` others.

    Whoever starts this version has begun anew (state of the version before is refused), so that all
    ticks are told again, by records of this version behind those of the other.
    """

    def __init__(self, topic: str, partition: int, sources: int) -> None:
        self._where = {"topic": topic, "partition": partition}
        self._sources = sources
        self._told = False

    def of(self, chunk: Chunk, decode: Callable[[bytes], T]) -> Iterator[T]:
        """The records that this version can read.

        Raises StateError, by its place, for what no worker of this version wrote: to pass it over would be
        to do without evidence, and not to know it.
        """
        for offset, value in zip(chunk.offsets.tolist(), chunk.values, strict=True):
            if value is None:
                raise self._refused(chunk, offset, "a tombstone, which no worker writes")
            try:
                found = decode(value)
            except OlderFormatError as error:
                self._tell(error)
                continue
            except (ContractError, ValueError) as error:
                raise self._refused(chunk, offset, str(error)) from error
            if not 0 <= found.source < self._sources:
                raise self._refused(chunk, offset, f"it is of a partition {found.source}")
            yield found

    def _refused(self, chunk: Chunk, offset: int, why: str) -> StateError:
        return StateError(
            f"{chunk.topic} [{chunk.partition}], offset {offset}: not a record of this pipeline: {why}. If a "
            "newer version wrote it, run that one. If somebody else did, take that right away "
            "(deploy/kafka/acls.sh), for it would come again; then delete the records before offset "
            f"{offset + 1} (kafka-delete-records.sh): the stage goes on behind them and marks what is gone "
            "with them incomplete (HYDRAWATCH_ON_LOSS); or begin anew, see `hydrawatch state reset --help`"
        )

    def _tell(self, error: OlderFormatError) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "records of a version before are passed over", reason=str(error), **self._where
            )
