"""Reading kept state back: which records count, and what they fill."""

from __future__ import annotations

from typing import Any

from detectors.errors import StateError
from detectors.state.checkpoint import Restoration
from streams.stage import Part
from streams.state import records
from streams.state.records import Fence, Pages, Seal


class Reading:
    """What has been read of one partition of the state topic so far."""

    def __init__(self, part: Part, origin: dict[str, str], where: str) -> None:
        self.kept: Restoration | None = None
        self.seal: Seal | None = None
        self.fenced_by = ""
        self.oldest = 0  # entry
        self.bytes = 0
        self.firsts: dict[int, tuple[int, int]] = {}
        self._part = part
        self._origin = origin
        self._where = where
        self._open: dict[tuple[str, bytes], Pages] = {}  # of the entry that is not sealed yet
        self._open_number = 0
        self._open_first = 0
        self._open_bytes = 0

    def take(self, record: Any) -> None:
        """One record, in order."""
        found = records.decode(record.value, f"{self._where}, offset {record.offset}")
        self.bytes += len(record.value)
        # What is deleted ends where a needed entry begins, often behind the fence of its writer.
        self.fenced_by = self.fenced_by or found.writer
        if isinstance(found, Fence):
            self.fenced_by = found.writer
            self._open = {}
        elif found.writer != self.fenced_by:
            return
        elif isinstance(found, Pages):
            if not self._open or self._open_number != found.number:
                self._open, self._open_first, self._open_bytes = {}, record.offset, 0
                self._open_number = found.number
            # A producer that hears nothing sends again, and the broker may have both.
            self._open[found.table, found.pages] = found
            self._open_bytes += len(record.value)
        else:
            self._apply(found, record.offset)

    def _apply(self, seal: Seal, offset: int) -> None:
        if seal == self.seal:
            return  # sent again
        mine = list(self._open.values()) if self._open_number == seal.number else []
        first = self._open_first if mine else offset
        self._open = {}
        if len(mine) != seal.records:
            if self.seal is not None:
                raise StateError(
                    f"{self._where}: records of entry {seal.number} are missing; {records.MEND}"
                )
            return  # the head of the log was deleted in its middle
        if self.kept is None:
            records.refuse_others(seal, self._origin, self._part.checkpoint(), self._where)
            self.kept = self._part.restoration()  # from here on the part is no fresh one any more
        if self.seal is not None and seal.since == seal.number:
            # It holds all that there is: of what came before, not even a page that is zero now.
            self.kept.resize(dict.fromkeys(self.seal.sizes, 0))
        self.kept.resize(seal.sizes)
        try:
            for pages in mine:
                self.kept.write(*pages.change())
        except (ValueError, IndexError, KeyError) as error:
            raise StateError(
                f"{self._where}, offset {first} to {offset}: the pages of entry {seal.number} are damaged "
                f"({error!r}); {records.MEND}"
            ) from error
        if self.seal is None:
            self.oldest = seal.number
        elif seal.number != self.seal.number + 1 and seal.since != seal.number:
            self.oldest = seal.number  # a gap: only what comes from here on can be told whole
        self.seal = seal
        self.firsts[seal.number] = first, self._open_bytes
